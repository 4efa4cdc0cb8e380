`default_nettype none
// Momentum unit `tiki_taka`: a fast array A of second devices takes the gradients, one rank-1 write per training step. Every
// EVERY steps one row of A, the next in turn, is moved to the weights W:
//   read      a = row of A, one code per column
//   residues  H <- H + a; what H holds of whole steps of the device leaves as pulses of this row of W and is taken off H
//   back      the share 1 - gamma of a is taken off the row of A
// Writes without a pulse are left out. After a reset and after a clear each row is emptied when it comes next: nothing of it goes
// to W, and its residues count as zero.
//
<%- if batch > 1 %>
//
// A batch is one step: its samples write to A, which moves no weight, and what is due comes with the last of them.
//
<%- endif %>
// Codes are worked on as they come: the pulses for W are staged two cycles after the last beat of codes.
// Latency: from the last y beat to `slot_req` 6 cycles and one per y beat.
module ${ name }$_momentum_tiki_taka #(
    parameter ROWS         = 65,  // rows, bias included
    parameter ROW_BITS     = 7,   // bits of a row number
    parameter EVERY        = 1,   // steps from one row's transfer to the next row's, 1 to 65535
    parameter ADCS         = 8,   // codes per group
    parameter ADC_BITS     = 8,   // bits of a code
    parameter TAIL_BITS    = 1,   // bits of the beats of a group
    parameter Y_BEATS      = 4,   // beats of y, and of a row
    parameter Y_BEAT_BITS  = 2,   // bits of a y beat number
    parameter LANES        = 8,   // words per beat
    parameter ERROR_BITS   = 12,  // bits of a word of y
    parameter PULSE_BITS   = 8,   // bits of a pulse width
    parameter MAG_BITS     = 8,   // bits of a column magnitude, at least PULSE_BITS
    parameter RESIDUE_BITS = 12,  // bits of a residue
    parameter CODE_SHIFT   = 1,   // a code is 2^CODE_SHIFT of the residue
    parameter STEP_SHIFT   = 0,   // a step of the device 2^STEP_SHIFT
    parameter COARSE       = 0,   // and 2^COARSE units of pulse width, less than 2^PULSE_BITS
    parameter BACK_SHIFT   = 15,  // |code| times share is divided by 2^BACK_SHIFT, rounded
    parameter WIDTH_SHIFT  = 14   // |y| * eta is divided by 2^WIDTH_SHIFT, rounded
) (
    input  wire                          clk,
    input  wire                          rst_n,
    input  wire [15:0]                   learning_rate,  // eta, 14 fraction bits
    input  wire [15:0]                   momentum,       // gamma, 16 fraction bits: what stays of a row of A
    input  wire                          clear_history,  // forget gradients and residues (taken when idle)
<%- if batch > 1 %>
    input  wire                          batch_last,     // the sample is the last of its batch
<%- endif %>
    input  wire                          y_valid,        // y of the sample passes by
    input  wire [Y_BEAT_BITS-1:0]        y_beat,
    input  wire                          y_last,
    input  wire [LANES*ERROR_BITS-1:0]   y_data,
    input  wire                          stage_busy,     // the column stage waits for a transposed read
    output wire                          code_ready,     // a group of codes of A can be taken
    input  wire                          code_valid,
    input  wire                          code_last,      // last group of the row
    input  wire [TAIL_BITS-1:0]          code_beats,     // beats of the group
    input  wire [ADCS*ADC_BITS-1:0]      code_data,
    output wire                          col_valid,      // pulse-width beat for the column stage
    output wire [Y_BEAT_BITS-1:0]        col_beat,
    output wire [LANES*MAG_BITS-1:0]     col_mag,
    output wire [LANES-1:0]              col_neg,
    output wire                          slot_req,       // an operation waits; pulses of a write are in the stage
    output wire [2:0]                    slot_kind,      // which: 2 write to W, 4 read of A, 6 write to A
    output wire                          slot_alone,     // it is for one row alone
    output wire [ROW_BITS-1:0]           slot_row,       // that row
    output wire [PULSE_BITS-1:0]         slot_longest,   // longest pulse of a write
    input  wire                          slot_take,      // the operation starts
    output wire                          skipped,        // a write without a pulse was passed over
    output wire                          idle            // nothing left to do for the step
);
<% include "momentum/widths.v" %>
<% include "momentum/peak.v" %>

  // --- Sequence: the sample's pair, then, when one is due, the transfer of a row ----------------------------------------
  localparam [2:0] STEP_NONE    = 3'd0;
  localparam [2:0] STEP_PAIR    = 3'd1;  // write of x and y to A
  localparam [2:0] STEP_READ    = 3'd2;  // the read of the row waits
  localparam [2:0] STEP_CODES   = 3'd3;  // codes come
  localparam [2:0] STEP_WEIGHTS = 3'd4;  // the write to W waits
  localparam [2:0] STEP_FETCH   = 3'd5;  // codes come again, from memory
  localparam [2:0] STEP_BACK    = 3'd6;  // the write that takes them off A waits
  localparam [2:0] KIND_WRITE   = 3'd2;
  localparam [2:0] KIND_READ    = 3'd4;
  localparam [2:0] KIND_FAST    = 3'd6;
  localparam [31:0] EVERY_LAST  = EVERY - 1;
  localparam [31:0] ROW_COUNT   = ROWS;
  localparam [31:0] ROW_LAST    = ROWS - 1;
  localparam [31:0] BEAT_LAST   = Y_BEATS - 1;
  localparam [ROW_BITS:0]   DRAIN_ONE = 1;
  localparam [ROW_BITS-1:0] ROW_ONE   = 1;

  reg [2:0]          step_q, step_d;
  reg [15:0]         steps_q;   // since the last transfer
  reg [ROW_BITS-1:0] row_q;     // the row whose turn it is
  reg [ROW_BITS:0]   drain_q;   // rows that are only emptied
  reg                clear_q;   // a clear waits for the unit to be idle
  reg                silent_q;  // the step's pair gives no pulse
  wire               pair_silent;
  wire               drains    = drain_q != {(ROW_BITS + 1) {1'b0}};
<%- if batch > 1 %>
  wire               due       = batch_last && (steps_q == EVERY_LAST[15:0]);
<%- else %>
  wire               due       = steps_q == EVERY_LAST[15:0];
<%- endif %>
  wire               pair_take = slot_take && (step_q == STEP_PAIR);
  wire               pair_end  = (step_q == STEP_PAIR) && (slot_take || silent_q);
  wire               row_quiet; // the pulses of this beat and of those before it are all zero
  wire               codes_end; // with this cycle all pulses for W are staged
  wire               fetch_end; // with this cycle all pulses for A are
  wire               row_end   = (fetch_end && row_quiet) || ((step_q == STEP_BACK) && slot_take);

  always @* begin
    step_d = step_q;
    case (step_q)
      STEP_NONE:    if (y_valid && y_last) step_d = STEP_PAIR;
      STEP_PAIR:    if (pair_end) step_d = due ? STEP_READ : STEP_NONE;
      STEP_READ:    if (slot_take) step_d = STEP_CODES;
      STEP_CODES:   if (codes_end) step_d = row_quiet ? STEP_FETCH : STEP_WEIGHTS;
      STEP_WEIGHTS: if (slot_take) step_d = STEP_FETCH;
      STEP_FETCH:   if (fetch_end) step_d = row_quiet ? STEP_NONE : STEP_BACK;
      STEP_BACK:    if (slot_take) step_d = STEP_NONE;
      default:      step_d = STEP_NONE;
    endcase
  end

  always @(posedge clk) begin
    if (!rst_n) begin
      step_q  <= STEP_NONE;
      steps_q <= 16'd0;
      row_q   <= {ROW_BITS{1'b0}};
      drain_q <= ROW_COUNT[ROW_BITS:0];
      clear_q <= 1'b0;
    end else begin
      step_q  <= step_d;
      if (pair_end<% if batch > 1 %> && batch_last<% endif %>) steps_q <= due ? 16'd0 : steps_q + 16'd1;
      if (row_end) row_q <= (row_q == ROW_LAST[ROW_BITS-1:0]) ? {ROW_BITS{1'b0}} : row_q + ROW_ONE;
      if ((step_q == STEP_NONE) && clear_q) drain_q <= ROW_COUNT[ROW_BITS:0];
      else if (row_end && drains) drain_q <= drain_q - DRAIN_ONE;
      clear_q <= clear_history || (clear_q && (step_q != STEP_NONE));
    end
  end

  always @(posedge clk) begin
    if (y_valid && y_last) silent_q <= 1'b0;
    else if (pair_silent) silent_q <= 1'b1;
  end

  // Pulses of the pair, of W and of A go the same way.
  wire [LANES*PULSE_BITS-1:0] pulse_width;

<% include "momentum/single.v" %>

  // --- Codes: beats of the row, residues one cycle behind ----------------------------------------------------------------
  localparam H_DEPTH     = ROWS * Y_BEATS;
  localparam H_ADDR_BITS = (H_DEPTH > 1) ? $clog2(H_DEPTH) : 1;
  localparam H_WIDE      = RESIDUE_BITS + 1;
  localparam [31:0]            H_LAST     = H_DEPTH - 1;
  localparam [H_ADDR_BITS-1:0] H_ONE      = 1;
  localparam [Y_BEAT_BITS-1:0] Y_BEAT_ONE = 1;
  localparam signed [H_WIDE-1:0] H_LIMIT = {2'b00, {(RESIDUE_BITS - 1) {1'b1}}};

  wire                      s0_valid;
  wire                      s0_last;
  wire [LANES*ADC_BITS-1:0] s0_code;
  reg  [Y_BEAT_BITS-1:0]    s0_beat_q;
  reg  [H_ADDR_BITS-1:0]    s0_addr_q;  // rows come in order, so it only ever counts on

  ${ name }$_gear #(
      .WORD(ADC_BITS),
      .IN  (ADCS),
      .OUT (LANES)
  ) u_gear (
      .clk      (clk),
      .rst_n    (rst_n),
      .in_valid (code_valid),
      .in_ready (code_ready),
      .in_last  (code_last),
      .in_beats (code_beats),
      .in_data  (code_data),
      .out_valid(s0_valid),
      .out_ready(1'b1),
      .out_last (s0_last),
      .out_data (s0_code)
  );

  always @(posedge clk) begin
    if (!rst_n) begin
      s0_beat_q <= {Y_BEAT_BITS{1'b0}};
      s0_addr_q <= {H_ADDR_BITS{1'b0}};
    end else if (s0_valid) begin
      s0_beat_q <= s0_last ? {Y_BEAT_BITS{1'b0}} : s0_beat_q + Y_BEAT_ONE;
      s0_addr_q <= (s0_addr_q == H_LAST[H_ADDR_BITS-1:0]) ? {H_ADDR_BITS{1'b0}} : s0_addr_q + H_ONE;
    end
  end

  reg                          s1_valid_q;
  reg                          s1_last_q;
  reg  [Y_BEAT_BITS-1:0]       s1_beat_q;
  reg  [H_ADDR_BITS-1:0]       s1_addr_q;
  reg  [LANES*ADC_BITS-1:0]    s1_code_q;
  wire [LANES*RESIDUE_BITS-1:0] h_out;
  wire [LANES*RESIDUE_BITS-1:0] h_in;
  wire [LANES*PULSE_BITS-1:0]   s1_width;
  wire [LANES-1:0]              s1_neg;

  always @(posedge clk) begin
    if (!rst_n) s1_valid_q <= 1'b0;
    else s1_valid_q <= s0_valid;
  end
  always @(posedge clk) begin
    s1_last_q <= s0_last;
    s1_beat_q <= s0_beat_q;
    s1_addr_q <= s0_addr_q;
    s1_code_q <= s0_code;
  end

  ${ name }$_vector_mem #(
      .WIDTH    (LANES * RESIDUE_BITS),
      .DEPTH    (H_DEPTH),
      .ADDR_BITS(H_ADDR_BITS)
  ) u_residues (
      .clk    (clk),
      .wr_en  (s1_valid_q),
      .wr_addr(s1_addr_q),
      .wr_data(h_in),
      .rd_en  (s0_valid),
      .rd_addr(s0_addr_q),
      .rd_data(h_out)
  );

  // H plus a code, saturated symmetrically.
  function [RESIDUE_BITS-1:0] total_of;
    input [RESIDUE_BITS-1:0] residue;
    input [ADC_BITS-1:0]     code;
    reg signed [H_WIDE-1:0] sum;
    begin
      sum = {residue[RESIDUE_BITS-1], residue} + ({{(H_WIDE - ADC_BITS) {code[ADC_BITS-1]}}, code} << CODE_SHIFT);
      if (sum > H_LIMIT) sum = H_LIMIT;
      if (sum < -H_LIMIT) sum = -H_LIMIT;
      total_of = sum[RESIDUE_BITS-1:0];
    end
  endfunction

  localparam HELD_BITS = RESIDUE_BITS;
<% include "momentum/steps.v" %>

  generate
    genvar k;
    for (k = 0; k < LANES; k = k + 1) begin : gen_residue
      wire [RESIDUE_BITS-1:0] total = total_of(h_out[k*RESIDUE_BITS+:RESIDUE_BITS], s1_code_q[k*ADC_BITS+:ADC_BITS]);
      wire [PULSE_BITS-1:0]   steps = steps_of(total);
      wire [RESIDUE_BITS-1:0] taken = {{(RESIDUE_BITS - PULSE_BITS) {1'b0}}, steps} << STEP_SHIFT;
      wire [RESIDUE_BITS-1:0] left  = total[RESIDUE_BITS-1] ? total + taken : total - taken;
      assign h_in[k*RESIDUE_BITS+:RESIDUE_BITS] = drains ? {RESIDUE_BITS{1'b0}} : left;
      assign s1_width[k*PULSE_BITS+:PULSE_BITS] = drains ? {PULSE_BITS{1'b0}} : steps << COARSE;
      assign s1_neg[k]                          = total[RESIDUE_BITS-1];
    end
  endgenerate

  // --- Back: the codes again, times the share that leaves A -----------------------------------------------------------------
  localparam BACK_PRODUCT = ADC_BITS + 17;
  localparam [BACK_PRODUCT-1:0] BACK_ONE     = 1;
  localparam [BACK_PRODUCT-1:0] BACK_HALF    = (BACK_SHIFT == 0) ? {BACK_PRODUCT{1'b0}} : (BACK_ONE << BACK_SHIFT) >> 1;
  localparam [BACK_PRODUCT-1:0] BACK_LONGEST = (BACK_ONE << PULSE_BITS) - BACK_ONE;
  localparam [ADC_BITS-2:0]     CODE_ONE     = 1;

  reg                       f0_valid_q;
  reg  [Y_BEAT_BITS-1:0]    f0_beat_q;
  reg                       f1_valid_q;
  reg                       f1_last_q;
  reg  [Y_BEAT_BITS-1:0]    f1_beat_q;
  reg                       f2_valid_q;
  reg                       f2_last_q;
  reg  [Y_BEAT_BITS-1:0]    f2_beat_q;
  reg  [LANES*PULSE_BITS-1:0] f2_width_q;
  reg  [LANES-1:0]          f2_neg_q;
  wire [LANES*ADC_BITS-1:0] f1_code;
  wire [16:0]               lost = drains ? 17'h10000 : 17'h10000 - {1'b0, momentum};
  wire                      f0_last = f0_beat_q == BEAT_LAST[Y_BEAT_BITS-1:0];
  wire                      f0_start = (step_d == STEP_FETCH) && (step_q != STEP_FETCH);

  ${ name }$_vector_mem #(
      .WIDTH    (LANES * ADC_BITS),
      .DEPTH    (Y_BEATS),
      .ADDR_BITS(Y_BEAT_BITS)
  ) u_codes (
      .clk    (clk),
      .wr_en  (s0_valid),
      .wr_addr(s0_beat_q),
      .wr_data(s0_code),
      .rd_en  (f0_valid_q),
      .rd_addr(f0_beat_q),
      .rd_data(f1_code)
  );

  always @(posedge clk) begin
    if (!rst_n) begin
      f0_valid_q <= 1'b0;
      f1_valid_q <= 1'b0;
      f2_valid_q <= 1'b0;
    end else begin
      f0_valid_q <= f0_start || (f0_valid_q && !f0_last);
      f1_valid_q <= f0_valid_q;
      f2_valid_q <= f1_valid_q;
    end
  end

  function [PULSE_BITS-1:0] back_of;
    input [ADC_BITS-1:0] code;
    input [16:0]         share;
    reg   [ADC_BITS-2:0]     magnitude;
    reg   [BACK_PRODUCT-1:0] product;
    begin
      magnitude = code[ADC_BITS-1] ? ~code[ADC_BITS-2:0] + CODE_ONE : code[ADC_BITS-2:0];
      product   = {{(BACK_PRODUCT - ADC_BITS + 1) {1'b0}}, magnitude} * {{(BACK_PRODUCT - 17) {1'b0}}, share};
      product   = (product + BACK_HALF) >> BACK_SHIFT;
      back_of   = (product > BACK_LONGEST) ? BACK_LONGEST[PULSE_BITS-1:0] : product[PULSE_BITS-1:0];
    end
  endfunction

  integer b;
  always @(posedge clk) begin
    if (f0_start) f0_beat_q <= {Y_BEAT_BITS{1'b0}};
    else f0_beat_q <= f0_beat_q + Y_BEAT_ONE;
    f1_beat_q <= f0_beat_q;
    f1_last_q <= f0_last;
    f2_beat_q <= f1_beat_q;
    f2_last_q <= f1_last_q;
    if (f1_valid_q) begin
      for (b = 0; b < LANES; b = b + 1) begin
        f2_width_q[b*PULSE_BITS+:PULSE_BITS] <= back_of(f1_code[b*ADC_BITS+:ADC_BITS], lost);
        f2_neg_q[b] <= !f1_code[b*ADC_BITS+ADC_BITS-1];
      end
    end
  end

  // --- Longest pulse of a row -----------------------------------------------------------------------------------------------
  reg  [PULSE_BITS-1:0]       row_longest_q;
  wire                        row_beat  = s1_valid_q || f2_valid_q;
  wire                        row_first = (s1_valid_q ? s1_beat_q : f2_beat_q) == {Y_BEAT_BITS{1'b0}};
  wire [LANES*PULSE_BITS-1:0] row_width = s1_valid_q ? s1_width : f2_width_q;
  wire [PULSE_BITS-1:0]       row_longest = longest_of(row_first ? {PULSE_BITS{1'b0}} : row_longest_q, row_width);
  always @(posedge clk) begin
    if (row_beat) row_longest_q <= row_longest;
  end

  assign row_quiet = row_longest == {PULSE_BITS{1'b0}};
  assign codes_end = s1_valid_q && s1_last_q;
  assign fetch_end = f2_valid_q && f2_last_q;

  assign pulse_width  = row_beat ? row_width : width_q;
  assign pair_silent  = (sel_q == SEL_WIDTH) && silent;

  assign col_valid    = width_valid_q || row_beat;
  assign col_beat     = s1_valid_q ? s1_beat_q : f2_valid_q ? f2_beat_q : width_beat_q;
  assign col_neg      = s1_valid_q ? s1_neg : f2_valid_q ? f2_neg_q : neg_q;
  assign slot_req     = ((step_q == STEP_PAIR) && (fetch_q == FETCH_STAGED)) || (step_q == STEP_READ) ||
                        (step_q == STEP_WEIGHTS) || (step_q == STEP_BACK);
  assign slot_kind    = (step_q == STEP_READ) ? KIND_READ : (step_q == STEP_WEIGHTS) ? KIND_WRITE : KIND_FAST;
  assign slot_alone   = step_q != STEP_PAIR;
  assign slot_row     = row_q;
  assign slot_longest = (step_q == STEP_PAIR) ? fetch_longest_q : row_longest_q;
  assign skipped      = pair_silent || ((codes_end || fetch_end) && row_quiet);
  assign idle         = (step_q == STEP_NONE) && (sel_q == SEL_IDLE);
endmodule
`default_nettype wire
