`default_nettype none
// Emulated array: the `ideal` device in synthesizable Verilog, behind the pins of an array macro.
//
// Each cell is an integer state; a word of the state memory holds ADCS neighbouring columns of one row. A forward read of a
// group sums x * s over all rows, ADCS columns at a time; a transposed read sums u * s over a row's words, one row after the
// other; a write adds round(x * width / 2^WRITE_SHIFT) to every cell, one word per cycle.
// Duration in cycles: group of a forward read ROWS + 7, of a transposed read LINES * WORDS + LEVELS + 7, write ROWS * WORDS + 7,
// where LINES, the rows of a group, is ADCS, or ROWS if that is less, and LEVELS = log2(ADCS) the depth of the adder tree behind the products.
<%- if serial %>
// In a read a bit drives each line, x is 0 or 1, u is 0, 1 or -1: a read of one bit plane.
<%- endif %>
// Codes of lines beyond the last column or row mean nothing.
module ${ name }$_array_emulated #(
    parameter ROWS        = 65,  // rows, bias included
    parameter COLS        = 32,  // columns
    parameter DAC_BITS    = 8,   // bits of a row code
    parameter ADC_BITS    = 8,   // bits of an ADC code
    parameter MAG_BITS    = 8,   // bits of a column magnitude or pulse width
    parameter STATE_BITS  = 20,  // bits of a state
    parameter ADCS        = 8,   // codes per group; columns per memory word
    parameter WORDS       = 4,   // words per row: COLS / ADCS, rounded up
    parameter ROW_BITS    = 7,   // bits of a row number, 0 to ROWS
    parameter COL_BITS    = 5,   // bits of a column number
    parameter WORD_BITS   = 2,   // bits of a word number
    parameter ADDR_BITS   = 9,   // bits of a memory address
    parameter GROUP_BITS  = 3,   // bits of a group number
    parameter SUM_BITS    = 36,  // bits of a dot product, exact
    parameter FWD_SHIFT   = 20,  // dot product -> ADC code
    parameter BACK_SHIFT  = 18,
<%- if banked %>
    parameter BANKED      = 1,   // 1: states in two banks of single-port memory
<%- endif %>
    parameter WRITE_SHIFT = 4    // x * width -> change of state
) (
    input  wire                       clk,
    input  wire                       rst_n,
    input  wire                       op_valid,    // array macro, see docs/array-macro.md
    input  wire [1:0]                 op_kind,
    input  wire                       op_last,
    output wire                       op_ready,
<%- if lines %>
    output wire [ROW_BITS-1:0]        line_row,    // the row whose code is wanted,
    input  wire [DAC_BITS-1:0]        row_code,    // one cycle later
    output wire [WORD_BITS-1:0]       line_word,   // the word of columns that is wanted,
    input  wire [ADCS*MAG_BITS-1:0]   col_mag,     // one cycle later
    input  wire [ADCS-1:0]            col_neg,
<%- else %>
    input  wire [ROWS*DAC_BITS-1:0]   row_code,
<%- if serial %>
    input  wire [ROWS-1:0]            row_bit,
    input  wire [COLS-1:0]            col_bit,
<%- endif %>
    input  wire [COLS*MAG_BITS-1:0]   col_mag,
    input  wire [COLS-1:0]            col_neg,
    input  wire [COLS-1:0]            col_on,
<%- endif %>
    input  wire [GROUP_BITS-1:0]      adc_group,
    input  wire                       adc_ready,
    output wire                       adc_valid,
    output wire [ADCS*ADC_BITS-1:0]   adc_code,
    input  wire                       host_valid,  // host access to one state while the array is idle
    input  wire                       host_write,
    input  wire [ROW_BITS-1:0]        host_row,
    input  wire [COL_BITS-1:0]        host_col,
    input  wire [STATE_BITS-1:0]      host_wdata,
    output wire                       host_ready,  // done; host_rdata valid
    output wire [STATE_BITS-1:0]      host_rdata
);
  localparam [1:0] KIND_BACK  = 2'd1;
  localparam [1:0] KIND_WRITE = 2'd2;
  localparam MAX_SHIFT = (FWD_SHIFT > BACK_SHIFT) ? FWD_SHIFT : BACK_SHIFT;
  // Wide enough for the sum, its rounding constant, and the shift itself.
  localparam ROUNDED = ((SUM_BITS > MAX_SHIFT) ? SUM_BITS : MAX_SHIFT) + 2;
  localparam DRIVE   = MAG_BITS + 1;  // bits of a factor that drives: a row code or a column's magnitude with its sign
  localparam STEP    = DAC_BITS + DRIVE + 1;
  localparam NEXT    = ((STEP > STATE_BITS) ? STEP : STATE_BITS) + 2;
<%- if serial %>
  localparam PRODUCT = STATE_BITS + 1;
  localparam READ    = PRODUCT;
<%- else %>
  // One multiplier per lane: state times drive in a read, row code times pulse in a write.
  localparam FACTOR  = (STATE_BITS > DAC_BITS) ? STATE_BITS : DAC_BITS;
  localparam PRODUCT = FACTOR + DRIVE;
  localparam READ    = STATE_BITS + DRIVE;  // bits of a product in a read
<%- endif %>
  localparam LEVELS  = $clog2(ADCS);  // of the adder tree
  localparam USED    = (COLS < ADCS) ? COLS : ADCS;  // columns of a word that there are
  localparam TREE    = READ + LEVELS;

  // --- Walk: one memory word per cycle ------------------------------------------------------------------------------------
  localparam [1:0] ST_IDLE = 2'd0;
  localparam [1:0] ST_WALK = 2'd1;
  localparam [1:0] ST_TAIL = 2'd2;
  localparam [1:0] ST_DONE = 2'd3;
  localparam [31:0] ROW_LAST   = ROWS - 1;
  localparam [31:0] WORD_LAST  = WORDS - 1;
  localparam [31:0] GROUP_LAST = ((ROWS < ADCS) ? ROWS : ADCS) - 1;
  localparam [31:0] TAIL_READ  = 4;
  localparam [31:0] TAIL_BACK  = 4 + LEVELS;
  localparam LINE_BITS = (ADCS > 1) ? $clog2(ADCS) : 1;
  localparam [ROW_BITS-1:0]  ROW_ONE  = 1;
  localparam [WORD_BITS-1:0] WORD_ONE = 1;
  localparam [LINE_BITS-1:0] LINE_ONE = 1;
  localparam [ADDR_BITS-1:0] ADDR_ONE = 1;
  localparam [31:0] WORDS_32 = WORDS;

  reg [1:0]           state_q, state_d;
  reg [3:0]           tail_q;
  reg [ROW_BITS-1:0]  row_q;
  reg [WORD_BITS-1:0] word_q;
  reg [LINE_BITS-1:0] line_q;
  reg [ADDR_BITS-1:0] addr_q;   // of the word that is read: of the walk, while it rests of the host's

  wire back      = op_kind == KIND_BACK;
  wire writing   = op_kind == KIND_WRITE;
  wire row_end   = word_q == WORD_LAST[WORD_BITS-1:0];
  wire walk_end  = back ? row_end && (line_q == GROUP_LAST[LINE_BITS-1:0])
                 : (row_q == ROW_LAST[ROW_BITS-1:0]) && (row_end || !writing);
  wire taken     = writing ? op_last : adc_ready;

  always @* begin
    state_d = state_q;
    case (state_q)
      ST_IDLE: if (op_valid) state_d = ST_WALK;
      ST_WALK: if (walk_end) state_d = ST_TAIL;
      // The pipeline behind the memory drains.
      ST_TAIL: if (tail_q == (back ? TAIL_BACK[3:0] : TAIL_READ[3:0])) state_d = ST_DONE;
      ST_DONE: if (taken) state_d = ST_IDLE;
    endcase
    // A dropped request is an abort.
    if (!op_valid) state_d = ST_IDLE;
  end

  wire [ADDR_BITS-1:0] group_addr;
  wire [ROW_BITS-1:0]  group_row;
  wire [31:0] group_32 = {{(32 - GROUP_BITS) {1'b0}}, adc_group};
<% include "times.v" %>

  wire [31:0] first_row_32  = times(group_32, ADCS);
  wire [31:0] first_addr_32 = back ? times(first_row_32, WORDS) : writing ? 32'd0 : group_32;
  wire unused_high = &{1'b0, first_row_32, first_addr_32, TAIL_READ, TAIL_BACK<% if !lines %>, col_on<% endif %>};
  // The host comes in when no operation runs.
  localparam [31:0] ADCS_32 = ADCS;
  wire [31:0] host_col_32  = {{(32 - COL_BITS) {1'b0}}, host_col};
  wire [31:0] host_word_32 = host_col_32 / ADCS_32;
  wire [31:0] host_lane_32 = host_col_32 % ADCS_32;
  wire [31:0] host_addr_32 = times({{(32 - ROW_BITS) {1'b0}}, host_row}, WORDS) + host_word_32;
  wire unused_host = &{1'b0, host_addr_32, host_lane_32};
  reg  [2:0] host_q;  // the cycles of an access
  wire host_active = host_valid && !op_valid && (state_q == ST_IDLE);
  assign group_row  = back ? first_row_32[ROW_BITS-1:0] : {ROW_BITS{1'b0}};
  assign group_addr = first_addr_32[ADDR_BITS-1:0];

  always @(posedge clk) begin
    if (!rst_n) state_q <= ST_IDLE;
    else state_q <= state_d;
  end

  always @(posedge clk) begin
    tail_q <= (state_q == ST_TAIL) ? tail_q + 4'd1 : 4'd0;
    if (state_q == ST_IDLE) begin
      row_q  <= group_row;
      addr_q <= host_active ? host_addr_32[ADDR_BITS-1:0] : group_addr;
      word_q <= {WORD_BITS{1'b0}};
      line_q <= {LINE_BITS{1'b0}};
    end else if (state_q == ST_WALK) begin
      if (back || writing) begin
        // All words of a row, then the next row.
        addr_q <= addr_q + ADDR_ONE;
        word_q <= row_end ? {WORD_BITS{1'b0}} : word_q + WORD_ONE;
        if (row_end && writing) row_q <= row_q + ROW_ONE;
        if (row_end) line_q <= line_q + LINE_ONE;
      end else begin
        // One word of every row.
        addr_q <= addr_q + WORDS_32[ADDR_BITS-1:0];
        row_q  <= row_q + ROW_ONE;
      end
    end
  end

  // --- s1: states and lines of the word -------------------------------------------------------------------------------------
  reg                        s1_valid_q;
  reg [ADDR_BITS-1:0]        s1_addr_q;
  wire [USED*STATE_BITS-1:0] s1_state;
<%- if lines %>
  wire signed [DAC_BITS-1:0] s1_x   = row_code;
  wire [USED*MAG_BITS-1:0]   s1_mag = col_mag[USED*MAG_BITS-1:0];
  wire [USED-1:0]            s1_neg = col_neg[USED-1:0];
  wire unused_cols = &{1'b0, col_mag, col_neg};
  assign line_row  = row_q;
  assign line_word = word_q;
<%- else %>
  reg signed [DAC_BITS-1:0]  s1_x;
<%- if serial %>
  reg                        s1_row;
  reg [USED-1:0]             s1_col;
<%- endif %>
  reg [USED*MAG_BITS-1:0]    s1_mag;
  reg [USED-1:0]             s1_neg;

  // Columns padded to whole words: those beyond the last are never driven.
  localparam PADDED = WORDS * ADCS;
  wire [PADDED*MAG_BITS-1:0] mag_padded;
  wire [PADDED-1:0]          neg_padded;
<%- if serial %>
  wire [PADDED-1:0]          bit_padded;
<%- endif %>
  generate
    if (PADDED > COLS) begin : gen_pad
      assign mag_padded = {{(PADDED - COLS) * MAG_BITS{1'b0}}, col_mag};
      assign neg_padded = {{(PADDED - COLS) {1'b0}}, col_neg};
<%- if serial %>
      assign bit_padded = {{(PADDED - COLS) {1'b0}}, col_bit};
<%- endif %>
    end else begin : gen_no_pad
      assign mag_padded = col_mag;
      assign neg_padded = col_neg;
<%- if serial %>
      assign bit_padded = col_bit;
<%- endif %>
    end
  endgenerate

  always @(posedge clk) begin
    if (state_q == ST_WALK) begin
      s1_x   <= row_code[row_q*DAC_BITS+:DAC_BITS];
<%- if serial %>
      s1_row <= row_bit[row_q];
      s1_col <= bit_padded[word_q*ADCS+:USED];
<%- endif %>
      s1_mag <= mag_padded[word_q*(ADCS*MAG_BITS)+:USED*MAG_BITS];
      s1_neg <= neg_padded[word_q*ADCS+:USED];
    end
  end
<%- endif %>

  always @(posedge clk) begin
    if (!rst_n) s1_valid_q <= 1'b0;
    else s1_valid_q <= (state_q == ST_WALK) && op_valid;
  end
  always @(posedge clk) s1_addr_q <= addr_q;

  // --- s2: factors -----------------------------------------------------------------------------------------------------------
  reg                       s2_valid_q;
  reg [ADDR_BITS-1:0]       s2_addr_q;
  reg [USED*STATE_BITS-1:0] s2_state_q;
<%- if serial %>
  reg signed [DAC_BITS-1:0] s2_x_q;
  reg                       s2_row_q;
  reg [USED-1:0]            s2_col_q;
  reg [USED-1:0]            s2_neg_q;
<%- else %>
  reg [USED*FACTOR-1:0]     s2_factor_q;  // states, or the row code
<%- endif %>
  reg [USED*DRIVE-1:0]      s2_drive_q;   // row code, column codes, or pulses

  // Signed drive of a lane: column code in a transposed read, pulse width with its polarity in a write.
  function signed [DRIVE-1:0] signed_drive;
    input [MAG_BITS-1:0] mag;
    input                neg;
    reg signed [DRIVE-1:0] value;
    begin
      value = {1'b0, mag[DRIVE-2:0]};
      signed_drive = neg ? -value : value;
    end
  endfunction
<%- if !serial %>

  function signed [DRIVE-1:0] extended;
    input signed [DAC_BITS-1:0] x;
    extended = {{(DRIVE - DAC_BITS + 1) {x[DAC_BITS-1]}}, x[DAC_BITS-2:0]};
  endfunction

  function signed [FACTOR-1:0] factor_of;
    input signed [STATE_BITS-1:0] state;
    input signed [DAC_BITS-1:0]   x;
    input                         write;
    factor_of = write ? {{(FACTOR - DAC_BITS + 1) {x[DAC_BITS-1]}}, x[DAC_BITS-2:0]}
              : {{(FACTOR - STATE_BITS + 1) {state[STATE_BITS-1]}}, state[STATE_BITS-2:0]};
  endfunction
<%- endif %>

  integer f;
  always @(posedge clk) begin
    s2_addr_q <= s1_addr_q;
    if (s1_valid_q || host_q[1]) begin
      s2_state_q <= s1_state;
<%- if serial %>
      s2_x_q     <= s1_x;
      s2_row_q   <= s1_row;
      s2_col_q   <= s1_col;
      s2_neg_q   <= s1_neg;
      for (f = 0; f < USED; f = f + 1) s2_drive_q[f*DRIVE+:DRIVE] <= signed_drive(s1_mag[f*MAG_BITS+:MAG_BITS], s1_neg[f]);
<%- else %>
      for (f = 0; f < USED; f = f + 1) begin
        s2_factor_q[f*FACTOR+:FACTOR] <= factor_of(s1_state[f*STATE_BITS+:STATE_BITS], s1_x, writing);
        s2_drive_q[f*DRIVE+:DRIVE]    <= (back || writing) ? signed_drive(s1_mag[f*MAG_BITS+:MAG_BITS], s1_neg[f]) : extended(s1_x);
      end
<%- endif %>
    end
  end
  always @(posedge clk) begin
    if (!rst_n) s2_valid_q <= 1'b0;
    else s2_valid_q <= s1_valid_q;
  end

  // --- s3: products ----------------------------------------------------------------------------------------------------------
  reg                       s3_valid_q;
  reg [ADDR_BITS-1:0]       s3_addr_q;
  reg [USED*STATE_BITS-1:0] s3_state_q;
  reg [USED*PRODUCT-1:0]    s3_product_q;
<%- if serial %>
  reg [USED*(STEP-1)-1:0]   s3_step_q;

  // State times 0, 1 or -1.
  function signed [PRODUCT-1:0] driven;
    input signed [STATE_BITS-1:0] state;
    input                         on;
    input                         neg;
    reg signed [PRODUCT-1:0] value;
    begin
      value  = {state[STATE_BITS-1], state};
      driven = !on ? {PRODUCT{1'b0}} : neg ? -value : value;
    end
  endfunction

  function signed [STEP-2:0] step_of;
    input signed [DAC_BITS-1:0] x;
    input signed [DRIVE-1:0]    pulse;
    step_of = x * pulse;
  endfunction
<%- else %>

  function signed [PRODUCT-1:0] product_of;
    input signed [FACTOR-1:0] factor;
    input signed [DRIVE-1:0]  drive;
    product_of = factor * drive;
  endfunction
<%- endif %>

  integer k;
  always @(posedge clk) begin
    s3_addr_q <= s2_addr_q;
    if (s2_valid_q) begin
      s3_state_q <= s2_state_q;
      for (k = 0; k < USED; k = k + 1) begin
<%- if serial %>
        s3_product_q[k*PRODUCT+:PRODUCT] <= driven(s2_state_q[k*STATE_BITS+:STATE_BITS], back ? s2_col_q[k] : s2_row_q, back && s2_neg_q[k]);
        s3_step_q[k*(STEP-1)+:STEP-1]    <= step_of(s2_x_q, s2_drive_q[k*DRIVE+:DRIVE]);
<%- else %>
        s3_product_q[k*PRODUCT+:PRODUCT] <= product_of(s2_factor_q[k*FACTOR+:FACTOR], s2_drive_q[k*DRIVE+:DRIVE]);
<%- endif %>
      end
    end
  end
  always @(posedge clk) begin
    if (!rst_n) s3_valid_q <= 1'b0;
    else s3_valid_q <= s2_valid_q;
  end

  // --- s4: new states -----------------------------------------------------------------------------------------------------------
  reg                       s4_write_q;
  reg [ADDR_BITS-1:0]       s4_addr_q;
  reg [USED*STATE_BITS-1:0] s4_next_q;

  localparam SCALED = NEXT + WRITE_SHIFT;
  localparam signed [SCALED-1:0] STEP_ONE  = 1;
  localparam signed [SCALED-1:0] STEP_HALF = (WRITE_SHIFT == 0) ? {SCALED{1'b0}} : (STEP_ONE << WRITE_SHIFT) >>> 1;
  localparam [STATE_BITS-1:0] STATE_MAX = {1'b0, {(STATE_BITS - 1) {1'b1}}};
  localparam [STATE_BITS-1:0] STATE_ONE = 1;

  function [STATE_BITS-1:0] next_state;
    input signed [STATE_BITS-1:0] state;
    input [STEP-2:0]              product;
    reg signed [SCALED-1:0] step;
    reg signed [SCALED-1:0] scaled;
    reg signed [NEXT-1:0]   next;
    begin
      step   = {{(SCALED - STEP + 1) {product[STEP-2]}}, product};
      // State and half lie in different places: one addition rounds and adds.
      scaled = {{(SCALED - STATE_BITS) {state[STATE_BITS-1]}}, state};
      scaled = ((scaled <<< WRITE_SHIFT) | STEP_HALF) + step;
      scaled = scaled >>> WRITE_SHIFT;
      next   = scaled[NEXT-1:0];
      // The bits from the sign on are alike where it fits; the least value has no opposite.
      next_state = next[STATE_BITS-1:0];
      if (next[NEXT-1:STATE_BITS-1] != {(NEXT - STATE_BITS + 1) {next[NEXT-1]}}) next_state = next[NEXT-1] ? ~STATE_MAX : STATE_MAX;
      if (next_state == ~STATE_MAX) next_state = ~STATE_MAX + STATE_ONE;
    end
  endfunction

  integer n;
  always @(posedge clk) begin
    if (!rst_n) s4_write_q <= 1'b0;
    else s4_write_q <= s3_valid_q && writing;
  end
  always @(posedge clk) begin
    s4_addr_q <= s3_addr_q;
    if (s3_valid_q && writing) begin
      for (n = 0; n < USED; n = n + 1) begin
<%- if serial %>
        s4_next_q[n*STATE_BITS+:STATE_BITS] <= next_state(s3_state_q[n*STATE_BITS+:STATE_BITS], s3_step_q[n*(STEP-1)+:STEP-1]);
<%- else %>
        s4_next_q[n*STATE_BITS+:STATE_BITS] <= next_state(s3_state_q[n*STATE_BITS+:STATE_BITS], s3_product_q[n*PRODUCT+:STEP-1]);
<%- endif %>
      end
    end
  end

  // --- Adder tree of a transposed read, a register per level ---------------------------------------------------------------------
  // Node i adds nodes 2i and 2i + 1; nodes from ADCS on are the products.
  wire            root_valid;
  wire [TREE-1:0] root;
  function [TREE-1:0] extended_leaf;
    input [READ-1:0] product;
    extended_leaf = {{(LEVELS + 1) {product[READ-1]}}, product[READ-2:0]};
  endfunction

  generate
    if (ADCS == 1) begin : gen_no_tree
      assign root_valid = s3_valid_q && back;
      assign root       = extended_leaf(s3_product_q[READ-1:0]);
    end else begin : gen_tree
      localparam NODES = 2 * ADCS;
      reg  [(ADCS-1)*TREE-1:0] node_q;  // from node 1 on
      reg  [LEVELS-1:0]     valid_q;
      wire [NODES*TREE-1:0] nodes;
      genvar l;
      for (l = 0; l < ADCS; l = l + 1) begin : gen_leaf
        if (l < USED) begin : gen_product
          assign nodes[(ADCS+l)*TREE+:TREE] = extended_leaf(s3_product_q[l*PRODUCT+:READ]);
        end else begin : gen_none
          assign nodes[(ADCS+l)*TREE+:TREE] = {TREE{1'b0}};
        end
      end
      assign nodes[ADCS*TREE-1:0] = {node_q, {TREE{1'b0}}};

      integer i;
      always @(posedge clk) begin
        // Nodes rest in other operations.
        if (back && (s3_valid_q || (valid_q != {LEVELS{1'b0}}))) begin
          for (i = 1; i < ADCS; i = i + 1) node_q[(i-1)*TREE+:TREE] <= nodes[2*i*TREE+:TREE] + nodes[(2*i+1)*TREE+:TREE];
        end
      end
      wire [LEVELS:0] valid_d = {valid_q, s3_valid_q && back};
      always @(posedge clk) begin
        if (!rst_n || (state_q == ST_IDLE)) valid_q <= {LEVELS{1'b0}};
        else valid_q <= valid_d[LEVELS-1:0];
      end
      assign root_valid = valid_q[LEVELS-1];
      assign root       = node_q[TREE-1:0];
      wire unused_tree = &{1'b0, valid_d[LEVELS], nodes[TREE-1:0]};
    end
  endgenerate

  // --- Sums: per column (forward) or per row (transposed) -------------------------------------------------------------------------
  // They begin with the half that rounds them.
  localparam signed [ROUNDED-1:0] SUM_ONE   = 1;
  localparam signed [ROUNDED-1:0] FWD_HALF  = (FWD_SHIFT == 0) ? {ROUNDED{1'b0}} : (SUM_ONE << FWD_SHIFT) >>> 1;
  localparam signed [ROUNDED-1:0] BACK_HALF = (BACK_SHIFT == 0) ? {ROUNDED{1'b0}} : (SUM_ONE << BACK_SHIFT) >>> 1;
  reg [ADCS*ROUNDED-1:0]  sum_q;
  reg [WORD_BITS-1:0]     root_word_q;  // words of the row that the tree has added
  reg [LINE_BITS-1:0]     root_line_q;  // the row in its group
  function [ROUNDED-1:0] extended_product;
    input [READ-1:0] product;
    extended_product = {{(ROUNDED - READ) {product[READ-1]}}, product};
  endfunction

  function [ROUNDED-1:0] extended_root;
    input [TREE-1:0] sum;
    extended_root = {{(ROUNDED - TREE) {sum[TREE-1]}}, sum};
  endfunction

  wire root_end = root_word_q == WORD_LAST[WORD_BITS-1:0];
  integer a;
  always @(posedge clk) begin
    if (state_q == ST_IDLE) begin
      for (a = 0; a < ADCS; a = a + 1) sum_q[a*ROUNDED+:ROUNDED] <= back ? BACK_HALF : FWD_HALF;
      root_word_q <= {WORD_BITS{1'b0}};
      root_line_q <= {LINE_BITS{1'b0}};
    end else if (root_valid) begin
      for (a = 0; a < ADCS; a = a + 1) begin
        if (root_line_q == a[LINE_BITS-1:0]) sum_q[a*ROUNDED+:ROUNDED] <= sum_q[a*ROUNDED+:ROUNDED] + extended_root(root);
      end
      root_word_q <= root_end ? {WORD_BITS{1'b0}} : root_word_q + WORD_ONE;
      if (root_end) root_line_q <= root_line_q + LINE_ONE;
    end else if (s3_valid_q && !back) begin
      for (a = 0; a < USED; a = a + 1) sum_q[a*ROUNDED+:ROUNDED] <= sum_q[a*ROUNDED+:ROUNDED] + extended_product(s3_product_q[a*PRODUCT+:READ]);
    end
  end

  // --- ADC: round half towards plus infinity, saturate symmetrically -------------------------------------------------------------
  localparam [ADC_BITS-1:0] CODE_MAX = {1'b0, {(ADC_BITS - 1) {1'b1}}};
  localparam [ADC_BITS-1:0] CODE_ONE = 1;

  function [ADC_BITS-1:0] code_of;
    input signed [ROUNDED-1:0] sum;
    input                      transposed;
    reg signed [ROUNDED-1:0] value;
    begin
      if (transposed) value = sum >>> BACK_SHIFT;
      else value = sum >>> FWD_SHIFT;
      code_of = value[ADC_BITS-1:0];
      if (value[ROUNDED-1:ADC_BITS-1] != {(ROUNDED - ADC_BITS + 1) {value[ROUNDED-1]}}) code_of = value[ROUNDED-1] ? ~CODE_MAX : CODE_MAX;
      if (code_of == ~CODE_MAX) code_of = ~CODE_MAX + CODE_ONE;
    end
  endfunction

  reg [ADCS*ADC_BITS-1:0] code_q;
  integer c;
  always @(posedge clk) begin
    if (state_q == ST_TAIL) for (c = 0; c < ADCS; c = c + 1) code_q[c*ADC_BITS+:ADC_BITS] <= code_of(sum_q[c*ROUNDED+:ROUNDED], back);
  end

  assign adc_code  = code_q;
  assign adc_valid = (state_q == ST_DONE) && !writing;
  assign op_ready  = (state_q == ST_DONE) && writing;

  // --- State memory ------------------------------------------------------------------------------------------------------------------
  // Host access: address, access, what was read, answer.
  wire host_access = host_q[0];
  always @(posedge clk) begin
    if (!rst_n) host_q <= 3'd0;
    else host_q <= host_active ? {host_q[1:0], host_q == 3'd0} : 3'd0;
  end

<%- if banked %>

  wire                       walk_write;
  wire [ADDR_BITS-1:0]       walk_addr;
  wire [USED*STATE_BITS-1:0] walk_next;
  generate
    if (BANKED == 1) begin : gen_fifth
      // A stage more than the arithmetic needs: what is written lies five words behind what is read, an odd number, and so in the other
      // bank.
      reg                       s5_write_q;
      reg [ADDR_BITS-1:0]       s5_addr_q;
      reg [USED*STATE_BITS-1:0] s5_next_q;
      always @(posedge clk) begin
        if (!rst_n) s5_write_q <= 1'b0;
        else s5_write_q <= s4_write_q;
      end
      always @(posedge clk) begin
        s5_addr_q <= s4_addr_q;
        if (s4_write_q) s5_next_q <= s4_next_q;
      end
      assign walk_write = s5_write_q && op_valid;
      assign walk_addr  = s5_addr_q;
      assign walk_next  = s5_next_q;
    end else begin : gen_fourth
      assign walk_write = s4_write_q && op_valid;
      assign walk_addr  = s4_addr_q;
      assign walk_next  = s4_next_q;
    end
  endgenerate
<%- else %>

  wire                       walk_write = s4_write_q && op_valid;
  wire [ADDR_BITS-1:0]       walk_addr  = s4_addr_q;
  wire [USED*STATE_BITS-1:0] walk_next  = s4_next_q;
<%- endif %>
  wire [ADDR_BITS-1:0]       wr_addr    = walk_write ? walk_addr : addr_q;
  genvar g;
  generate
    for (g = 0; g < USED; g = g + 1) begin : gen_states
      localparam [LINE_BITS-1:0] LANE = g;
      wire                  wr_en   = walk_write || (host_active && host_write && host_access && (host_lane_32[LINE_BITS-1:0] == LANE));
      wire [STATE_BITS-1:0] wr_data = walk_write ? walk_next[g*STATE_BITS+:STATE_BITS] : host_wdata;
<%- if banked %>
      if (BANKED == 1) begin : gen_banks
        ${ name }$_bank_mem #(
<% include "array/states.v" %>
      end else begin : gen_ports
        ${ name }$_vector_mem #(
<% include "array/states.v" %>
      end
<%- else %>
      ${ name }$_vector_mem #(
<% include "array/states.v" %>
<%- endif %>
    end
  endgenerate

  assign host_ready = host_q[2];
  localparam USED_BITS = (USED > 1) ? $clog2(USED) : 1;
  generate
<%- let word = "host_rdata" %>
<%- let bits = "STATE_BITS" %>
<%- let words = "USED" %>
<%- let vector = "s2_state_q" %>
<%- let number = "host_lane_32[USED_BITS-1:0]" %>
<% include "select.v" %>
  endgenerate
endmodule
`default_nettype wire
