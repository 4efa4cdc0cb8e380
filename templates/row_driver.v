`default_nettype none
// Row drivers of one array: holds the DAC code of every row.
//
// A vector arrives in beats of LANES words in a stage, while the active codes still drive the rows; `take` moves the whole
// stage to the rows at once. The last row is the bias, always at full scale.
<%- if single_rows %>
// `select` drives one row alone, bias included, at half scale: a power of two, so that whole steps of the device are a shift.
<%- endif %>
<%- if serial %>
// In a read a row is driven by `row_bit`, the lowest bit of its code. `turn` brings the next bit down; after all of them the codes
// stand as before.
<%- endif %>
// Latency: a beat is in the stage one cycle after `load_valid`; `row_code` changes one cycle after `take`.
module ${ name }$_row_driver #(
    parameter INPUTS    = 64,  // rows without the bias
    parameter DAC_BITS  = 8,   // bits of a row code, two's complement
    parameter LANES     = 8,   // words per beat
    parameter BEATS     = 8,   // beats per vector: INPUTS / LANES, rounded up
<%- if single_rows %>
    parameter ROW_BITS  = 7,   // bits of a row number
<%- endif %>
    parameter BEAT_BITS = 3    // bits of a beat number
) (
    input  wire                             clk,
    input  wire                             load_valid,  // a beat for the stage
    input  wire [BEAT_BITS-1:0]             load_beat,   // its number, lowest words first
    input  wire [LANES*DAC_BITS-1:0]        load_data,   // its words, lowest first
    input  wire                             take,        // stage -> rows
<%- if single_rows %>
    input  wire                             select,      // one row alone
    input  wire [ROW_BITS-1:0]              select_row,
<%- endif %>
<%- if serial %>
    input  wire                             turn,        // all codes by one bit
<%- if fast %>
    input  wire                             select_bit,  // the one row is to be read: by a bit
<%- endif %>
    output wire [INPUTS:0]                  row_bit,     // what drives the rows in a read
<%- endif %>
    output wire [(INPUTS+1)*DAC_BITS-1:0]   row_code     // codes of all rows, row 0 lowest, bias highest
);
  localparam BEAT_WIDTH = LANES * DAC_BITS;
  localparam [DAC_BITS-1:0] FULL_SCALE = {1'b0, {(DAC_BITS - 1) {1'b1}}};

  reg [BEATS*BEAT_WIDTH-1:0] stage_q;
<%- if serial %>
  reg [(INPUTS+1)*DAC_BITS-1:0] row_q;
<%- else %>
  reg [INPUTS*DAC_BITS-1:0]  row_q;
<%- endif %>

<%- if single_rows %>
  localparam [DAC_BITS-1:0] CODE_ONE   = 1;
  localparam [DAC_BITS-1:0] HALF_SCALE = CODE_ONE << (DAC_BITS - 2);
<%- if !serial %>
  localparam [31:0]         BIAS_ROW   = INPUTS;
<%- endif %>
<%- endif %>
<%- if single_rows || serial %>

  integer r;
<%- endif %>
  integer b;
  always @(posedge clk) begin
    if (load_valid) begin
      for (b = 0; b < BEATS; b = b + 1) begin
        if (load_beat == b[BEAT_BITS-1:0]) stage_q[b*BEAT_WIDTH+:BEAT_WIDTH] <= load_data;
      end
    end
<%- if serial %>
    if (take) row_q <= {FULL_SCALE, stage_q[INPUTS*DAC_BITS-1:0]};
<%- if single_rows %>
    else if (select) begin
      for (r = 0; r <= INPUTS; r = r + 1) begin
        row_q[r*DAC_BITS+:DAC_BITS] <= (select_row != r[ROW_BITS-1:0]) ? {DAC_BITS{1'b0}} : <% if fast %>select_bit ? CODE_ONE : <% endif %>HALF_SCALE;
      end
    end
<%- endif %>
    else if (turn) begin
      for (r = 0; r <= INPUTS; r = r + 1) begin
        row_q[r*DAC_BITS+:DAC_BITS] <= {row_q[r*DAC_BITS], row_q[r*DAC_BITS+1+:DAC_BITS-1]};
      end
    end
  end

  genvar g;
  generate
    for (g = 0; g <= INPUTS; g = g + 1) begin : gen_bit
      assign row_bit[g] = row_q[g*DAC_BITS];
    end
  endgenerate
  assign row_code = row_q;
<%- else %>
    if (take) row_q <= stage_q[INPUTS*DAC_BITS-1:0];
<%- if single_rows %>
    if (select) begin
      for (r = 0; r < INPUTS; r = r + 1) row_q[r*DAC_BITS+:DAC_BITS] <= (select_row == r[ROW_BITS-1:0]) ? HALF_SCALE : {DAC_BITS{1'b0}};
    end
<%- endif %>
  end
<%- if single_rows %>

  reg [DAC_BITS-1:0] bias_q;
  always @(posedge clk) begin
    if (take) bias_q <= FULL_SCALE;
    if (select) bias_q <= (select_row == BIAS_ROW[ROW_BITS-1:0]) ? HALF_SCALE : {DAC_BITS{1'b0}};
  end

  assign row_code = {bias_q, row_q};
<%- else %>

  assign row_code = {FULL_SCALE, row_q};
<%- endif %>
<%- endif %>

  // The last beat may be wider than the rows that remain.
  generate
    if (BEATS * LANES > INPUTS) begin : gen_pad
      wire unused_pad = &{1'b0, stage_q[BEATS*BEAT_WIDTH-1:INPUTS*DAC_BITS]};
    end
  endgenerate
endmodule
`default_nettype wire
