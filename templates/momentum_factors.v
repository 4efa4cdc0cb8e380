`default_nettype none
<%- if dampened %>
// Factor of a gradient for dampened momentum, (1 - momentum) * learning_rate<% if batch > 1 %> / ${ batch }$<% endif %>, in units of 2^-${ fraction }$ with 8 guard bits below; saturated.
<%- else if past %>
// Factors of a gradient for Nesterov momentum, in units of 2^-${ fraction }$ with 8 guard bits below: that of a sample's own pair,
// (1 + momentum) * learning_rate<% if batch > 1 %> / ${ batch }$<% endif %>, saturated, and momentum * learning_rate<% if batch > 1 %> / ${ batch }$<% endif %>, from which those of earlier pairs decay.
<%- else %>
// Factor of a gradient, learning_rate / ${ batch }$, in units of 2^-${ fraction }$ with 8 guard bits below.
<%- endif %>
// One block for all layers. Latency: <% if reciprocal.is_some() && (dampened || past) %>two cycles<% else %>one cycle<% endif %> after a register has changed, which happens only between samples.
module ${ name }$_momentum_factors (
    input  wire        clk,
    input  wire [15:0] learning_rate,  // eta, 14 fraction bits
<%- if dampened || past %>
    input  wire [15:0] momentum,       // gamma, 16 fraction bits
<%- endif %>
<%- if past %>
    output wire [23:0] own_scale,      // factor of a pair in the step of its batch
    output wire [23:0] past_scale      // what decays to the factor in the next step
<%- else %>
    output wire [23:0] own_scale       // factor of a pair in the step of its batch
<%- endif %>
);
<%- if let Some(share) = reciprocal %>
  // 2^${ 16 + batch_shift }$ / ${ batch }$ = ${ share }$, rounded.
  wire [39:0] mean        = {16'd0, learning_rate, 8'd0} * 40'd${ share }$ + 40'h8000;
  wire        unused_mean = &{1'b0, mean[15:0]};
<%- if dampened || past %>
  reg  [23:0] scale;
  always @(posedge clk) scale <= mean[39:16];
<%- else %>

  reg [23:0] own_q;
  always @(posedge clk) own_q <= mean[39:16];

  assign own_scale = own_q;
<%- endif %>
<%- else %>
  wire [23:0] scale = {learning_rate, 8'd0};
<%- endif %>
<%- if dampened %>
  wire [16:0] share   = 17'h10000 - {1'b0, momentum};
  wire [40:0] product = {17'd0, scale} * {24'd0, share};
  wire [40:0] rounded = (product + 41'd${ half }$) >> ${ shift }$;

  reg [23:0] own_q;
  always @(posedge clk) own_q <= (rounded[40:24] != 17'd0) ? 24'hffffff : rounded[23:0];

  assign own_scale = own_q;
<%- else if past %>
  wire [39:0] product = {16'd0, scale} * {24'd0, momentum} + 40'h8000;
  wire [24:0] sum     = {1'b0, scale} + {1'b0, product[39:16]};
  wire unused_product = &{1'b0, product[15:0]};

  reg [23:0] own_q, past_q;
  always @(posedge clk) begin
    own_q  <= sum[24] ? 24'hffffff : sum[23:0];
    past_q <= product[39:16];
  end

  assign own_scale  = own_q;
  assign past_scale = past_q;
<%- endif %>
endmodule
`default_nettype wire
