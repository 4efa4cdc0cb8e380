`default_nettype none
// Row lines of one emulated array, kept in memory: the counterpart of row drivers where no pin wants all codes at once.
//
// The memory has two halves. A vector arrives in beats of LANES words in one, while the array reads the codes of the running
// operation in the other; `take` swaps them. The last row is the bias, always at full scale.
<%- if single_rows %>
// `select` drives one row alone, bias included, at half scale: a power of two, so that whole steps of the device are a shift.
<%- endif %>
// Latency: `row_code` is that of the `line_row` of the cycle before.
module ${ name }$_row_lines #(
    parameter INPUTS    = 64,  // rows without the bias
    parameter DAC_BITS  = 8,   // bits of a row code, two's complement
    parameter LANES     = 8,   // words per beat
    parameter ROW_BITS  = 7,   // bits of a row number, 0 to INPUTS
    parameter BEAT_BITS = 3    // bits of a beat number
) (
    input  wire                      clk,
    input  wire                      rst_n,
    input  wire                      load_valid,  // a beat for the next vector
    input  wire [BEAT_BITS-1:0]      load_beat,   // its number, lowest words first
    input  wire [LANES*DAC_BITS-1:0] load_data,   // its words, lowest first
    input  wire                      take,        // the next vector becomes that of the rows
<%- if single_rows %>
    input  wire                      select,      // one row alone
    input  wire [ROW_BITS-1:0]       select_row,
<%- endif %>
    input  wire [ROW_BITS-1:0]       line_row,    // the row whose code is wanted
    output wire [DAC_BITS-1:0]       row_code
);
  localparam LANE_BITS = $clog2(LANES);
  localparam [31:0]         BIAS_ROW   = INPUTS;
  localparam [DAC_BITS-1:0] FULL_SCALE = {1'b0, {(DAC_BITS - 1) {1'b1}}};

  reg half_q;
  always @(posedge clk) begin
    if (!rst_n) half_q <= 1'b0;
    else if (take) half_q <= !half_q;
  end
  // A beat that comes with a take belongs to the vector after it.
  wire wr_half = half_q == take;

  // Beyond the last beat lies the bias: its row reads any word.
  wire [31:0]               row_32  = {{(32 - ROW_BITS) {1'b0}}, line_row};
  wire [31:0]               beat_32 = row_32 >> LANE_BITS;
  wire [LANES*DAC_BITS-1:0] beat;
  wire unused_beat = &{1'b0, beat_32[31:BEAT_BITS]};
  ${ name }$_vector_mem #(
      .WIDTH    (LANES * DAC_BITS),
      .DEPTH    (2 << BEAT_BITS),
      .ADDR_BITS(BEAT_BITS + 1)
  ) u_codes (
      .clk    (clk),
      .wr_en  (load_valid),
      .wr_addr({wr_half, load_beat}),
      .wr_data(load_data),
      .rd_en  (1'b1),
      .rd_addr({half_q, beat_32[BEAT_BITS-1:0]}),
      .rd_data(beat)
  );

  reg bias_q;
  always @(posedge clk) bias_q <= line_row == BIAS_ROW[ROW_BITS-1:0];

  wire [DAC_BITS-1:0] code;
  generate
    if (LANES == 1) begin : gen_word
      assign code = beat;
    end else begin : gen_lane
      reg [LANE_BITS-1:0] lane_q;
      always @(posedge clk) lane_q <= row_32[LANE_BITS-1:0];
<%- let word = "code" %>
<%- let bits = "DAC_BITS" %>
<%- let words = "LANES" %>
<%- let vector = "beat" %>
<%- let number = "lane_q" %>
<% include "select.v" %>
    end
  endgenerate
<%- if single_rows %>

  localparam [DAC_BITS-1:0] CODE_ONE   = 1;
  localparam [DAC_BITS-1:0] HALF_SCALE = CODE_ONE << (DAC_BITS - 2);
  reg                single_q;
  reg [ROW_BITS-1:0] selected_q;
  reg                here_q;
  always @(posedge clk) begin
    if (take || select) single_q <= select;
    if (select) selected_q <= select_row;
    here_q <= line_row == selected_q;
  end
  assign row_code = !single_q ? (bias_q ? FULL_SCALE : code) : here_q ? HALF_SCALE : {DAC_BITS{1'b0}};
<%- else %>

  assign row_code = bias_q ? FULL_SCALE : code;
<%- endif %>
endmodule
`default_nettype wire
