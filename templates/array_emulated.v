`default_nettype none
// Emulated array: the `ideal` device in synthesizable Verilog, behind the pins of an array macro.
//
// Each cell is an integer state; a word of the state memory holds ADCS neighbouring columns of one row. A forward read of a
// group sums x * s over all rows, ADCS columns at a time; a transposed read sums u * s over a row's words, one row after the
// other; a write adds round(x * width / 2^WRITE_SHIFT) to every cell, one word per cycle.
// Duration in cycles: group of a forward read ROWS + 5, of a transposed read ADCS * WORDS + 5, write ROWS * WORDS + 5.
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
    parameter WRITE_SHIFT = 4    // x * width -> change of state
) (
    input  wire                       clk,
    input  wire                       rst_n,
    input  wire                       op_valid,    // array macro, see docs/array-macro.md
    input  wire [1:0]                 op_kind,
    input  wire                       op_last,
    output wire                       op_ready,
    input  wire [ROWS*DAC_BITS-1:0]   row_code,
<%- if serial %>
    input  wire [ROWS-1:0]            row_bit,
    input  wire [COLS-1:0]            col_bit,
<%- endif %>
    input  wire [COLS*MAG_BITS-1:0]   col_mag,
    input  wire [COLS-1:0]            col_neg,
    input  wire [COLS-1:0]            col_on,
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
  localparam DRIVE   = MAG_BITS + 1;
  localparam STEP    = DAC_BITS + DRIVE + 1;
  localparam NEXT    = ((STEP > STATE_BITS) ? STEP : STATE_BITS) + 2;
<%- if serial %>
  localparam PRODUCT = STATE_BITS + 1;
<%- else %>
  localparam PRODUCT = DRIVE + STATE_BITS;
<%- endif %>

  // --- Walk: one memory word per cycle ------------------------------------------------------------------------------------
  localparam [1:0] ST_IDLE = 2'd0;
  localparam [1:0] ST_WALK = 2'd1;
  localparam [1:0] ST_TAIL = 2'd2;
  localparam [1:0] ST_DONE = 2'd3;
  localparam [31:0] ROW_LAST   = ROWS - 1;
  localparam [31:0] WORD_LAST  = WORDS - 1;
  localparam [31:0] GROUP_ROWS = ADCS - 1;
  localparam LINE_BITS = (ADCS > 1) ? $clog2(ADCS) : 1;
  localparam [ROW_BITS-1:0]  ROW_ONE  = 1;
  localparam [WORD_BITS-1:0] WORD_ONE = 1;
  localparam [LINE_BITS-1:0] LINE_ONE = 1;
  localparam [ADDR_BITS-1:0] ADDR_ONE = 1;
  localparam [31:0] WORDS_32 = WORDS;

  reg [1:0]           state_q, state_d;
  reg [1:0]           tail_q;
  reg [ROW_BITS-1:0]  row_q;
  reg [WORD_BITS-1:0] word_q;
  reg [LINE_BITS-1:0] line_q;
  reg [ADDR_BITS-1:0] addr_q;

  wire back      = op_kind == KIND_BACK;
  wire writing   = op_kind == KIND_WRITE;
  wire row_end   = word_q == WORD_LAST[WORD_BITS-1:0];
  wire walk_end  = back ? row_end && (line_q == GROUP_ROWS[LINE_BITS-1:0])
                 : (row_q == ROW_LAST[ROW_BITS-1:0]) && (row_end || !writing);
  wire taken     = writing ? op_last : adc_ready;

  always @* begin
    state_d = state_q;
    case (state_q)
      ST_IDLE: if (op_valid) state_d = ST_WALK;
      ST_WALK: if (walk_end) state_d = ST_TAIL;
      // The pipeline behind the memory drains.
      ST_TAIL: if (tail_q == 2'd2) state_d = ST_DONE;
      ST_DONE: if (taken) state_d = ST_IDLE;
    endcase
    // A dropped request is an abort.
    if (!op_valid) state_d = ST_IDLE;
  end

  wire [ADDR_BITS-1:0] group_addr;
  wire [ROW_BITS-1:0]  group_row;
  wire [31:0] group_32 = {{(32 - GROUP_BITS) {1'b0}}, adc_group};
  wire [31:0] first_row_32  = group_32 * (GROUP_ROWS + 32'd1);
  wire [31:0] first_addr_32 = back ? first_row_32 * WORDS_32 : writing ? 32'd0 : group_32;
  wire unused_high = &{1'b0, first_row_32, first_addr_32, col_on};
  assign group_row  = back ? first_row_32[ROW_BITS-1:0] : {ROW_BITS{1'b0}};
  assign group_addr = first_addr_32[ADDR_BITS-1:0];

  always @(posedge clk) begin
    if (!rst_n) state_q <= ST_IDLE;
    else state_q <= state_d;
  end

  always @(posedge clk) begin
    tail_q <= (state_q == ST_TAIL) ? tail_q + 2'd1 : 2'd0;
    if (state_q == ST_IDLE) begin
      row_q  <= group_row;
      addr_q <= group_addr;
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

  // --- s1: states and drive of the word --------------------------------------------------------------------------------------
  reg                        s1_valid_q;
  reg [LINE_BITS-1:0]        s1_line_q;
  reg [ADDR_BITS-1:0]        s1_addr_q;
  reg signed [DAC_BITS-1:0]  s1_x_q;
<%- if serial %>
  reg                        s1_row_q;
  reg [ADCS-1:0]             s1_col_q;
<%- endif %>
  reg [ADCS*MAG_BITS-1:0]    s1_mag_q;
  reg [ADCS-1:0]             s1_neg_q;
  wire [ADCS*STATE_BITS-1:0] s1_state;

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
    if (!rst_n) s1_valid_q <= 1'b0;
    else s1_valid_q <= (state_q == ST_WALK) && op_valid;
  end
  always @(posedge clk) begin
    s1_line_q    <= line_q;
    s1_addr_q    <= addr_q;
    s1_x_q       <= row_code[row_q*DAC_BITS+:DAC_BITS];
<%- if serial %>
    s1_row_q     <= row_bit[row_q];
    s1_col_q     <= bit_padded[word_q*ADCS+:ADCS];
<%- endif %>
    s1_mag_q     <= mag_padded[word_q*(ADCS*MAG_BITS)+:ADCS*MAG_BITS];
    s1_neg_q     <= neg_padded[word_q*ADCS+:ADCS];
  end

  // --- s2: products -----------------------------------------------------------------------------------------------------------
  reg                           s2_valid_q;
  reg [LINE_BITS-1:0]           s2_line_q;
  reg [ADDR_BITS-1:0]           s2_addr_q;
  reg [ADCS*PRODUCT-1:0]        s2_product_q;
  reg [ADCS*STATE_BITS-1:0]     s2_next_q;

  localparam signed [STEP-1:0] STEP_ONE  = 1;
  localparam signed [STEP-1:0] STEP_HALF = (WRITE_SHIFT == 0) ? {STEP{1'b0}} : (STEP_ONE << WRITE_SHIFT) >>> 1;
  localparam signed [NEXT-1:0] NEXT_ONE  = 1;
  localparam signed [NEXT-1:0] STATE_MAX = (NEXT_ONE << (STATE_BITS - 1)) - NEXT_ONE;

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

  function [STATE_BITS-1:0] next_state;
    input signed [STATE_BITS-1:0] state;
    input signed [DAC_BITS-1:0]   x;
    input signed [DRIVE-1:0]      pulse;
    reg signed [STEP-1:0] step;
    reg signed [NEXT-1:0] next;
    begin
      step = x * pulse;
      step = (step + STEP_HALF) >>> WRITE_SHIFT;
      next = {{(NEXT - STATE_BITS) {state[STATE_BITS-1]}}, state} + {{(NEXT - STEP) {step[STEP-1]}}, step};
      if (next > STATE_MAX) next = STATE_MAX;
      if (next < -STATE_MAX) next = -STATE_MAX;
      next_state = next[STATE_BITS-1:0];
    end
  endfunction
<%- if serial %>

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
<%- else %>

  function signed [PRODUCT-1:0] product_of;
    input signed [STATE_BITS-1:0] state;
    input signed [DRIVE-1:0]      drive;
    product_of = state * drive;
  endfunction

  function signed [DRIVE-1:0] extended;
    input signed [DAC_BITS-1:0] x;
    extended = {{(DRIVE - DAC_BITS + 1) {x[DAC_BITS-1]}}, x[DAC_BITS-2:0]};
  endfunction
<%- endif %>

  integer k;
  always @(posedge clk) begin
    s2_line_q    <= s1_line_q;
    s2_addr_q    <= s1_addr_q;
    if (s1_valid_q) begin
      for (k = 0; k < ADCS; k = k + 1) begin
<%- if serial %>
        s2_product_q[k*PRODUCT+:PRODUCT] <= driven(s1_state[k*STATE_BITS+:STATE_BITS], back ? s1_col_q[k] : s1_row_q, back && s1_neg_q[k]);
<%- else %>
        s2_product_q[k*PRODUCT+:PRODUCT] <= product_of(
            s1_state[k*STATE_BITS+:STATE_BITS],
            back ? signed_drive(s1_mag_q[k*MAG_BITS+:MAG_BITS], s1_neg_q[k]) : extended(s1_x_q)
        );
<%- endif %>
        s2_next_q[k*STATE_BITS+:STATE_BITS] <= next_state(
            s1_state[k*STATE_BITS+:STATE_BITS], s1_x_q, signed_drive(s1_mag_q[k*MAG_BITS+:MAG_BITS], s1_neg_q[k])
        );
      end
    end
  end
  always @(posedge clk) begin
    if (!rst_n) s2_valid_q <= 1'b0;
    else s2_valid_q <= s1_valid_q;
  end

  // --- Sums: per column (forward) or per row (transposed) -------------------------------------------------------------------------
  reg [ADCS*SUM_BITS-1:0]   sum_q;
  function [SUM_BITS-1:0] extended_product;
    input [PRODUCT-1:0] product;
    extended_product = {{(SUM_BITS - PRODUCT) {product[PRODUCT-1]}}, product};
  endfunction

  function [SUM_BITS-1:0] word_sum;
    input [ADCS*PRODUCT-1:0] products;
    integer p;
    begin
      word_sum = {SUM_BITS{1'b0}};
      for (p = 0; p < ADCS; p = p + 1) word_sum = word_sum + extended_product(products[p*PRODUCT+:PRODUCT]);
    end
  endfunction

  integer a;
  always @(posedge clk) begin
    if (state_q == ST_IDLE) begin
      for (a = 0; a < ADCS; a = a + 1) sum_q[a*SUM_BITS+:SUM_BITS] <= {SUM_BITS{1'b0}};
    end else if (s2_valid_q) begin
      for (a = 0; a < ADCS; a = a + 1) begin
        if (!back) sum_q[a*SUM_BITS+:SUM_BITS] <= sum_q[a*SUM_BITS+:SUM_BITS] + extended_product(s2_product_q[a*PRODUCT+:PRODUCT]);
        else if (s2_line_q == a[LINE_BITS-1:0]) sum_q[a*SUM_BITS+:SUM_BITS] <= sum_q[a*SUM_BITS+:SUM_BITS] + word_sum(s2_product_q);
      end
    end
  end

  // --- ADC: round half towards plus infinity, saturate symmetrically -------------------------------------------------------------
  localparam signed [ROUNDED-1:0] SUM_ONE   = 1;
  localparam signed [ROUNDED-1:0] FWD_HALF  = (FWD_SHIFT == 0) ? {ROUNDED{1'b0}} : (SUM_ONE << FWD_SHIFT) >>> 1;
  localparam signed [ROUNDED-1:0] BACK_HALF = (BACK_SHIFT == 0) ? {ROUNDED{1'b0}} : (SUM_ONE << BACK_SHIFT) >>> 1;
  localparam signed [ROUNDED-1:0] CODE_MAX  = (SUM_ONE << (ADC_BITS - 1)) - SUM_ONE;

  function [ADC_BITS-1:0] code_of;
    input signed [SUM_BITS-1:0] sum;
    input                       transposed;
    reg signed [ROUNDED-1:0] value;
    begin
      value = {{(ROUNDED - SUM_BITS) {sum[SUM_BITS-1]}}, sum};
      if (transposed) value = (value + BACK_HALF) >>> BACK_SHIFT;
      else value = (value + FWD_HALF) >>> FWD_SHIFT;
      if (value > CODE_MAX) value = CODE_MAX;
      if (value < -CODE_MAX) value = -CODE_MAX;
      code_of = value[ADC_BITS-1:0];
    end
  endfunction

  reg [ADCS*ADC_BITS-1:0] code_q;
  integer c;
  always @(posedge clk) begin
    if (state_q == ST_TAIL) for (c = 0; c < ADCS; c = c + 1) code_q[c*ADC_BITS+:ADC_BITS] <= code_of(sum_q[c*SUM_BITS+:SUM_BITS], back);
  end

  assign adc_code  = code_q;
  assign adc_valid = (state_q == ST_DONE) && !writing;
  assign op_ready  = (state_q == ST_DONE) && writing;

  // --- State memory; the host comes in when no operation runs ----------------------------------------------------------------------
  localparam [31:0] ADCS_32 = ADCS;
  wire [31:0] host_col_32  = {{(32 - COL_BITS) {1'b0}}, host_col};
  wire [31:0] host_word_32 = host_col_32 / ADCS_32;
  wire [31:0] host_lane_32 = host_col_32 % ADCS_32;
  wire [31:0] host_addr_32 = {{(32 - ROW_BITS) {1'b0}}, host_row} * WORDS_32 + host_word_32;
  wire unused_host = &{1'b0, host_addr_32, host_lane_32};
  reg  host_q;
  wire host_active = host_valid && !op_valid && (state_q == ST_IDLE);
  always @(posedge clk) begin
    if (!rst_n) host_q <= 1'b0;
    else host_q <= host_active && !host_q;
  end

  wire                 walk_write = s2_valid_q && writing && op_valid;
  wire [ADDR_BITS-1:0] rd_addr    = (state_q == ST_WALK) ? addr_q : host_addr_32[ADDR_BITS-1:0];
  wire [ADDR_BITS-1:0] wr_addr    = walk_write ? s2_addr_q : host_addr_32[ADDR_BITS-1:0];
  genvar g;
  generate
    for (g = 0; g < ADCS; g = g + 1) begin : gen_states
      localparam [LINE_BITS-1:0] LANE = g;
      ${ name }$_vector_mem #(
          .WIDTH    (STATE_BITS),
          .DEPTH    (ROWS * WORDS),
          .ADDR_BITS(ADDR_BITS)
      ) u_states (
          .clk    (clk),
          .wr_en  (walk_write || (host_active && host_write && !host_q && (host_lane_32[LINE_BITS-1:0] == LANE))),
          .wr_addr(wr_addr),
          .wr_data(walk_write ? s2_next_q[g*STATE_BITS+:STATE_BITS] : host_wdata),
          .rd_en  (1'b1),
          .rd_addr(rd_addr),
          .rd_data(s1_state[g*STATE_BITS+:STATE_BITS])
      );
    end
  endgenerate

  assign host_ready = host_q;
  assign host_rdata = s1_state[host_lane_32[LINE_BITS-1:0]*STATE_BITS+:STATE_BITS];
endmodule
`default_nettype wire
