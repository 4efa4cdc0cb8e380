`default_nettype none
// Factors of earlier <% if batch > 1 %>batches<% else %>samples<% endif %> in a step: age 1 has the newest of them. That of an age is momentum times that of the age before, with 8
// guard bits, rounded. All layers need the same, so this one block forms them and sends them to the momentum units.
//
// It starts over when `run` rises, as what they follow from changes only while the machine is idle. The multiplication is serial, a
// bit of momentum per cycle.
// Latency: `ready` rises 16 * (AGES - 1) + 3 cycles after `run`.
module ${ name }$_momentum_decay #(
    parameter AGES     = 8,  // <% if batch > 1 %>batches<% else %>samples<% endif %> that a step looks at, its own included, at least 2
    parameter AGE_BITS = 3   // bits of an age
) (
    input  wire                clk,
    input  wire                rst_n,
    input  wire                run,
    input  wire [23:0]         first,         // what decays to the factor of age 1, with 8 guard bits
    input  wire [15:0]         momentum,      // gamma, 16 fraction bits
    output wire                ready,         // all factors are there
    output wire                factor_valid,  // a factor is sent
    output wire [AGE_BITS-1:0] factor_age,    // of this age
    output wire [15:0]         factor
);
  localparam [31:0]         AGE_LAST = AGES - 1;
  localparam [AGE_BITS-1:0] AGE_ONE  = 1;
  // Half of the last place that is kept.
  localparam [23:0]         HALF     = 24'h008000;

  reg [2:0]          start_q;  // what `first` is made of has settled when the run has come through
  reg                ready_q;
  reg [AGE_BITS-1:0] age_q;
  reg [3:0]          bit_q;    // bit of momentum
  reg                times_q;  // its value
  reg [23:0]         scale_q;  // factor of the age before
  reg [23:0]         sum_q;    // what is left of the product when its low bits have gone
  wire [24:0]        sum  = {1'b0, sum_q} + (times_q ? {1'b0, scale_q} : 25'd0);
  wire               unused_low = &{1'b0, sum[0]};
  wire               last = bit_q == 4'd15;
  wire               started = start_q[2];
  wire               work    = started && !ready_q;

  wire [3:0]         bit_d   = work ? bit_q + 4'd1 : 4'd0;
  always @(posedge clk) times_q <= momentum[bit_d];

  always @(posedge clk) begin
    start_q <= (rst_n && run) ? {start_q[1:0], 1'b1} : 3'd0;
    if (!started) ready_q <= 1'b0;
    else if (factor_valid && (age_q == AGE_LAST[AGE_BITS-1:0])) ready_q <= 1'b1;
  end

  always @(posedge clk) begin
    if (!started) begin
      age_q   <= AGE_ONE;
      bit_q   <= bit_d;
      scale_q <= first;
      sum_q   <= HALF;
    end else if (work) begin
      bit_q <= bit_d;
      sum_q <= last ? HALF : sum[24:1];
      if (last) begin
        scale_q <= sum[24:1];
        age_q   <= age_q + AGE_ONE;
      end
    end
  end

  assign ready        = ready_q;
  assign factor_valid = work && last;
  assign factor_age   = age_q;
  assign factor       = sum[24:9];
endmodule
`default_nettype wire
