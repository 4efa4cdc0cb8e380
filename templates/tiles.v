`default_nettype none
// Tiles: spreads the array port of one layer over a grid of array macros and adds their codes.
//
// All tiles are driven at once. Reads: tiles that lie side by side across the lines being converted (a row of tiles in a
// transposed read, a column in a forward read) move their codes together, and their sum, exact and then limited to ADC_BITS, is
// the layer's code. Such a set hands over all its groups before the next set's turn; the sets behind hold their first group
// ready. A tile's `op_valid` falls when it has handed over its last group, so that each macro sees a whole read of its own.
// Writes: the slot ends when all tiles are ready; each sees `op_last` only while all others are.
<%- if let Some(s) = slices %>
//
// Each weight has SLICES devices, each on a grid of its own. Forward and transposed reads take all of them and add their codes<% if s.code_bits > 0 %>, which
// count 2^SLICE_SHIFT times as much from one slice to the next; the sum is rounded to what a code of the highest is worth<% endif %>. A write or the read of one
// row reaches the grid of `op_slice` alone; the codes of that are its own.
<%- endif %>
// Latency: none, but for the sets' turn that is kept in registers.
module ${ name }$_tiles #(
    parameter ROWS       = 2,  // rows of the grid
    parameter COLS       = 2,  // columns of the grid
<%- if let Some(s) = slices %>
    parameter SLICES     = 2,  // devices per weight
    parameter SLICE_BITS = 1,  // bits of a slice's number
<%- if s.code_bits > 0 %>
    parameter SLICE_SHIFT = 3, // bits from what a slice's code counts to the next one's
<%- endif %>
<%- endif %>
    parameter ADCS       = 8,  // codes per group
    parameter ADC_BITS   = 8,  // bits of a code
    parameter KIND_BITS  = 2,  // bits of op_kind
    parameter FWD_GROUPS = 4,  // groups of a forward read of a tile, but for the last column of the grid
    parameter BACK_GROUPS = 4, // groups of a transposed read of a tile, but for the last row of the grid
    parameter GROUP_BITS = 2,  // bits of a group number of a tile
    parameter BIAS_ONLY  = 0   // 1: the last row of the grid has the bias alone and no transposed reads
) (
    input  wire                                clk,
    input  wire                                op_valid,   // from the layer's array port
    input  wire [KIND_BITS-1:0]                op_kind,
<%- if let Some(s) = slices %>
    input  wire [SLICE_BITS-1:0]               op_slice,
<%- endif %>
    input  wire                                op_last,
    output wire                                op_ready,
    input  wire                                adc_ready,
    output wire                                adc_valid,
    output reg  [ADCS*ADC_BITS-1:0]            adc_code,
<%- if slices.is_some() %>
    output wire [SLICES*ROWS*COLS-1:0]                tile_op_valid,  // to the macros; tile (r, c) of slice s is number (s * ROWS + r) * COLS + c
    output wire [SLICES*ROWS*COLS-1:0]                tile_op_last,
    input  wire [SLICES*ROWS*COLS-1:0]                tile_op_ready,
    output wire [SLICES*ROWS*COLS*GROUP_BITS-1:0]     tile_adc_group, // the set's group; 0 for those behind
    output wire [SLICES*ROWS*COLS-1:0]                tile_adc_ready,
    input  wire [SLICES*ROWS*COLS-1:0]                tile_adc_valid,
    input  wire [SLICES*ROWS*COLS*ADCS*ADC_BITS-1:0]  tile_adc_code
<%- else %>
    output wire [ROWS*COLS-1:0]                tile_op_valid,  // to the macros; tile (r, c) is number r * COLS + c
    output wire [ROWS*COLS-1:0]                tile_op_last,
    input  wire [ROWS*COLS-1:0]                tile_op_ready,
    output wire [ROWS*COLS*GROUP_BITS-1:0]     tile_adc_group, // the set's group; 0 for those behind
    output wire [ROWS*COLS-1:0]                tile_adc_ready,
    input  wire [ROWS*COLS-1:0]                tile_adc_valid,
    input  wire [ROWS*COLS*ADCS*ADC_BITS-1:0]  tile_adc_code
<%- endif %>
);
<%- if let Some(s) = slices %>
  localparam TILES    = SLICES * ROWS * COLS;
  localparam SETS     = (ROWS > COLS) ? ROWS : COLS;
<%- if s.code_bits > 0 %>
  localparam SPAN     = SLICE_SHIFT * (SLICES - 1);
  localparam SUM_BITS = ADC_BITS + SPAN + $clog2(SETS * SLICES) + 1;
<%- else %>
  localparam SUM_BITS = ADC_BITS + $clog2(SETS * SLICES) + 1;
<%- endif %>
<%- else %>
  localparam TILES    = ROWS * COLS;
  localparam SETS     = (ROWS > COLS) ? ROWS : COLS;
  localparam SUM_BITS = ADC_BITS + $clog2(SETS) + 1;
<%- endif %>
  localparam [31:0] FWD_LAST  = FWD_GROUPS - 1;
  localparam [31:0] BACK_LAST = BACK_GROUPS - 1;
  localparam [SETS-1:0]       SET_FIRST  = 1;
  localparam [GROUP_BITS-1:0] GROUP_STEP = 1;
  localparam [31:0]           READ_KINDS = 1;  // forward and transposed read
<%- if fast %>
  localparam [KIND_BITS-1:0]  FAST_READ  = 4;  // forward read of <% if slices.is_some() %>a row of one slice<% else %>the second devices<% endif %>
<%- endif %>

  wire back    = op_kind[0];
  wire reading = <% if fast %>(op_kind == FAST_READ) || (<% endif %>{{(32 - KIND_BITS) {1'b0}}, op_kind} <= READ_KINDS<% if fast %>)<% endif %>;

  // --- Turns: the set that hands over its codes ---------------------------------------------------------------------------
  reg [SETS-1:0]       set_q;    // one-hot: rows of the grid in a transposed read, columns in a forward read
  reg [SETS-1:0]       ahead_q;  // this set and those whose turn comes later
  reg [GROUP_BITS-1:0] group_q;
  wire transfer = op_valid && reading && adc_valid && adc_ready;
  wire set_last = group_q == (back ? BACK_LAST[GROUP_BITS-1:0] : FWD_LAST[GROUP_BITS-1:0]);

  always @(posedge clk) begin
    if (!op_valid || !reading || (transfer && op_last)) begin
      set_q   <= SET_FIRST;
      ahead_q <= {SETS{1'b1}};
      group_q <= {GROUP_BITS{1'b0}};
    end else if (transfer) begin
      if (set_last) begin
        set_q   <= set_q << 1;
        ahead_q <= ahead_q << 1;
        group_q <= {GROUP_BITS{1'b0}};
      end else begin
        group_q <= group_q + GROUP_STEP;
      end
    end
  end

  // --- Handshakes -----------------------------------------------------------------------------------------------------------
  wire [TILES-1:0] turn;
  wire [TILES-1:0] ahead;
  wire [TILES-1:0] others_ready;
  wire             turn_valid = &(tile_adc_valid | ~turn);
<%- if slices.is_some() %>
  wire             whole = {{(32 - KIND_BITS) {1'b0}}, op_kind} <= READ_KINDS;  // all slices take part
  wire [TILES-1:0] reached;
  generate
    genvar s, r, c;
    for (s = 0; s < SLICES; s = s + 1) begin : gen_slice
      localparam [31:0] NUMBER = s;
      wire own = whole || (op_slice == NUMBER[SLICE_BITS-1:0]);
      for (r = 0; r < ROWS; r = r + 1) begin : gen_row
        for (c = 0; c < COLS; c = c + 1) begin : gen_col
          localparam T = (s * ROWS + r) * COLS + c;
          localparam SILENT = (BIAS_ONLY != 0) && (r == ROWS - 1);
          assign reached[T] = own;
          assign turn[T]    = own && (back ? set_q[r] : set_q[c]);
          assign ahead[T]   = own && (back ? ahead_q[r] && !SILENT : ahead_q[c]);
          assign tile_adc_group[T*GROUP_BITS+:GROUP_BITS] = turn[T] ? group_q : {GROUP_BITS{1'b0}};
          assign others_ready[T] = &(tile_op_ready | ~reached | ({{(TILES - 1) {1'b0}}, 1'b1} << T));
        end
      end
    end
  endgenerate

  assign tile_op_valid  = {TILES{op_valid}} & (reading ? ahead : reached);
  assign tile_op_last   = reading ? turn & {TILES{set_last || op_last}} : others_ready & {TILES{op_last}};
  assign tile_adc_ready = turn & {TILES{adc_ready && turn_valid}};
  assign adc_valid      = turn_valid;
  assign op_ready       = &(tile_op_ready | ~reached);
<%- else %>
  generate
    genvar r, c;
    for (r = 0; r < ROWS; r = r + 1) begin : gen_row
      for (c = 0; c < COLS; c = c + 1) begin : gen_col
        localparam T = r * COLS + c;
        localparam SILENT = (BIAS_ONLY != 0) && (r == ROWS - 1);
        assign turn[T]    = back ? set_q[r] : set_q[c];
        assign ahead[T]        = back ? ahead_q[r] && !SILENT : ahead_q[c];
        assign tile_adc_group[T*GROUP_BITS+:GROUP_BITS] = turn[T] ? group_q : {GROUP_BITS{1'b0}};
        assign others_ready[T] = &(tile_op_ready | ({{(TILES - 1) {1'b0}}, 1'b1} << T));
      end
    end
  endgenerate

  assign tile_op_valid  = {TILES{op_valid}} & (reading ? ahead : {TILES{1'b1}});
  assign tile_op_last   = reading ? turn & {TILES{set_last || op_last}} : others_ready & {TILES{op_last}};
  assign tile_adc_ready = turn & {TILES{adc_ready && turn_valid}};
  assign adc_valid      = turn_valid;
  assign op_ready       = &tile_op_ready;
<%- endif %>

  // --- Sums of the set's codes ------------------------------------------------------------------------------------------------
  localparam signed [SUM_BITS-1:0] LIMIT = {{(SUM_BITS - ADC_BITS + 1) {1'b0}}, {(ADC_BITS - 1) {1'b1}}};
<%- if shifted %>
  localparam signed [SUM_BITS-1:0] ONE  = 1;
  localparam signed [SUM_BITS-1:0] HALF = ONE <<< (SPAN - 1);
<%- endif %>
  reg signed [SUM_BITS-1:0] sum;
  integer a, t;
  always @* begin
    for (a = 0; a < ADCS; a = a + 1) begin
      sum = {SUM_BITS{1'b0}};
      for (t = 0; t < TILES; t = t + 1) begin
        if (turn[t]) begin
<%- if shifted %>
          // A row's own codes count as those of the highest slice do, so that rounding leaves them as they are.
          sum = sum + ({{(SUM_BITS - ADC_BITS) {tile_adc_code[(t * ADCS + a + 1) * ADC_BITS - 1]}},
                        tile_adc_code[(t * ADCS + a) * ADC_BITS +: ADC_BITS]} << (whole ? SLICE_SHIFT * (t / (ROWS * COLS)) : SPAN));
<%- else %>
          sum = sum + {{(SUM_BITS - ADC_BITS) {tile_adc_code[(t * ADCS + a + 1) * ADC_BITS - 1]}},
                       tile_adc_code[(t * ADCS + a) * ADC_BITS +: ADC_BITS]};
<%- endif %>
        end
      end
<%- if shifted %>
      sum = (sum + HALF) >>> SPAN;
<%- endif %>
      if (sum > LIMIT) sum = LIMIT;
      if (sum < -LIMIT) sum = -LIMIT;
      adc_code[a * ADC_BITS +: ADC_BITS] = sum[ADC_BITS-1:0];
    end
  end
endmodule
`default_nettype wire
