<%- if deep %>
  // Memory output, its register, product, then the scaled width, each one cycle after the other.
<%- else %>
  // Memory output, then the scaled width, each one cycle after the other.
<%- endif %>
  wire [<% if deep %>USED<% else %>LANES<% endif %>*ERROR_BITS-1:0] y_out;
  reg                         y_out_valid_q;
  reg [Y_BEAT_BITS-1:0]       y_out_beat_q;
  reg                         width_valid_q;
  reg [Y_BEAT_BITS-1:0]       width_beat_q;
  reg [LANES*PULSE_BITS-1:0]  width_q;
  reg [LANES-1:0]             neg_q;

<%- if deep %>
  // What comes late from the memory begins a cycle anew before the multiplier.
  reg                         late_valid_q;
  reg [Y_BEAT_BITS-1:0]       late_beat_q;
  reg [USED*ERROR_BITS-1:0]   late_q;
  reg                         product_valid_q;
  reg [Y_BEAT_BITS-1:0]       product_beat_q;
  reg [USED*PRODUCT-1:0]      product_q;
  reg [USED-1:0]              product_neg_q;
<%- endif %>

  always @(posedge clk) begin
    if (!rst_n) begin
      y_out_valid_q <= 1'b0;
<%- if deep %>
      late_valid_q <= 1'b0;
      product_valid_q <= 1'b0;
<%- endif %>
      width_valid_q <= 1'b0;
    end else begin
      y_out_valid_q <= y_read;
<%- if deep %>
      late_valid_q    <= y_out_valid_q;
      product_valid_q <= late_valid_q;
      width_valid_q   <= product_valid_q;
<%- else %>
      width_valid_q <= y_out_valid_q;
<%- endif %>
    end
  end

  integer w;
  always @(posedge clk) begin
    if (y_read) y_out_beat_q <= beat_q[Y_BEAT_BITS-1:0];
<%- if deep %>
    if (y_out_valid_q) begin
      late_beat_q <= y_out_beat_q;
      late_q      <= y_out;
    end
    if (late_valid_q) begin
      product_beat_q <= late_beat_q;
      for (w = 0; w < USED; w = w + 1) begin
        product_q[w*PRODUCT+:PRODUCT] <= {{16{1'b0}}, late_q[w*ERROR_BITS+:MAGNITUDE]} * {{MAGNITUDE{1'b0}}, fetch_factor_q};
        product_neg_q[w]              <= late_q[w*ERROR_BITS+ERROR_BITS-1];
      end
    end
    if (product_valid_q) begin
      width_beat_q <= product_beat_q;
      neg_q        <= {LANES{1'b0}};
      width_q      <= {LANES * PULSE_BITS{1'b0}};
      for (w = 0; w < USED; w = w + 1) begin
        neg_q[w]                            <= product_neg_q[w];
        width_q[w*PULSE_BITS+:PULSE_BITS] <= width_of(product_q[w*PRODUCT+:PRODUCT]);
      end
    end
<%- else %>
    if (y_out_valid_q) begin
      width_beat_q <= y_out_beat_q;
      for (w = 0; w < LANES; w = w + 1) begin
        width_q[w*PULSE_BITS+:PULSE_BITS] <=
            width_of({{16{1'b0}}, magnitude_of(y_out[w*ERROR_BITS+:ERROR_BITS])} * {{MAGNITUDE{1'b0}}, fetch_factor_q});
        neg_q[w] <= y_out[w*ERROR_BITS+ERROR_BITS-1];
      end
    end
<%- endif %>
  end
