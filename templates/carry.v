`default_nettype none
// Carries between the devices of a weight: stands between the momentum unit and the array port of a layer. Every EVERY steps, when
// the unit has nothing left to do, one row of a slice, the next in turn, is emptied into the slice above:
//   read   a = row of the slice, one code per column
//   up     the whole carries in a go as pulses to this row of the slice above
//   down   and are taken off this row of the slice itself, by pulses of 2^(BACK - COARSE) times their length
// Pulses of the same length count 2^(BACK - COARSE) times as much on the slice above. A row without a whole carry is passed over.
<%- if batch > 1 %>
//
// A batch is one step: what is due comes with the last of its samples.
<%- endif %>
// Latency: one cycle from the unit's idle to this one's, or to `slot_req`; from the last beat of codes to `slot_req` 2 cycles, and from
// the pulses up to those down one per beat and 2 more.
module ${ name }$_carry #(
    parameter ROWS        = 65,  // rows, bias included
    parameter ROW_BITS    = 7,   // bits of a row number
    parameter SLICES      = 2,   // devices per weight
    parameter SLICE_BITS  = 1,   // bits of a slice's number, 0 counts least
    parameter EVERY       = 1,   // steps from one carry to the next, 1 to 65535
    parameter ADCS        = 8,   // codes per group
    parameter ADC_BITS    = 8,   // bits of a code
    parameter TAIL_BITS   = 1,   // bits of the beats of a group
    parameter Y_BEATS     = 4,   // beats of a row
    parameter Y_BEAT_BITS = 2,   // bits of a beat number
    parameter LANES       = 8,   // words per beat
    parameter PULSE_BITS  = 8,   // bits of a pulse width
    parameter MAG_BITS    = 8,   // bits of a column magnitude, at least PULSE_BITS
    parameter CODE_UP     = 0,   // carries in a code: |code| * 2^CODE_UP,
    parameter CODE_DOWN   = 4,   // over 2^CODE_DOWN, cut off
    parameter COARSE      = 0,   // a carry is 2^COARSE units of pulse width on the slice above
    parameter BACK        = 3    // and 2^BACK on the slice itself, less than 2^PULSE_BITS
) (
    input  wire                       clk,
    input  wire                       rst_n,
<%- if batch > 1 %>
    input  wire                       batch_last,    // the sample is the last of its batch
<%- endif %>
    input  wire                       begin_step,    // the unit begins a sample's step with this cycle
    // Momentum unit
    input  wire                       unit_idle,
    input  wire                       unit_skipped,
    input  wire                       unit_req,
    input  wire [PULSE_BITS-1:0]      unit_longest,
    output wire                       unit_take,
    input  wire                       unit_valid,
    input  wire [Y_BEAT_BITS-1:0]     unit_beat,
    input  wire [LANES*MAG_BITS-1:0]  unit_mag,
    input  wire [LANES-1:0]           unit_neg,
    // Codes of the row
    output wire                       code_ready,    // a group of codes can be taken
    input  wire                       code_valid,
    input  wire                       code_last,     // last group of the row
    input  wire [TAIL_BITS-1:0]       code_beats,    // beats of the group
    input  wire [ADCS*ADC_BITS-1:0]   code_data,
    // Array port and column stage
    output wire                       col_valid,     // pulse-width beat for the column stage
    output wire [Y_BEAT_BITS-1:0]     col_beat,
    output wire [LANES*MAG_BITS-1:0]  col_mag,
    output wire [LANES-1:0]           col_neg,
    output wire                       slot_req,      // an operation waits; pulses of a write are in the stage
    output wire [2:0]                 slot_kind,     // which: 2 write, 4 read of a row
    output wire                       slot_alone,    // it is for one row alone
    output wire [ROW_BITS-1:0]        slot_row,      // that row
    output wire [SLICE_BITS-1:0]      slot_slice,    // the slice that it is for
    output wire [PULSE_BITS-1:0]      slot_longest,  // longest pulse of a write
    input  wire                       slot_take,     // the operation starts
    output wire                       skipped,       // pulses were passed over: a pair's, or a row's
    output wire                       idle           // nothing left to do for the step
);
  localparam [2:0] STEP_UNIT  = 3'd0;  // the momentum unit's operations
  localparam [2:0] STEP_READ  = 3'd1;  // the read of the row waits
  localparam [2:0] STEP_CODES = 3'd2;  // codes come
  localparam [2:0] STEP_UP    = 3'd3;  // the write to the slice above waits
  localparam [2:0] STEP_FETCH = 3'd4;  // carries come again, from memory
  localparam [2:0] STEP_DOWN  = 3'd5;  // the write that takes them off waits
  localparam [2:0] KIND_WRITE = 3'd2;
  localparam [2:0] KIND_READ  = 3'd4;
  localparam [31:0] EVERY_LAST = EVERY - 1;
  localparam [31:0] ROW_LAST   = ROWS - 1;
  localparam [31:0] SLICE_LAST = SLICES - 2;  // the highest that is emptied
  localparam [31:0] BEAT_LAST  = Y_BEATS - 1;
  localparam [ROW_BITS-1:0]    ROW_ONE   = 1;
  localparam [SLICE_BITS-1:0]  SLICE_ONE = 1;
  localparam [Y_BEAT_BITS-1:0] BEAT_ONE  = 1;

  // --- Sequence ------------------------------------------------------------------------------------------------------------
  reg [2:0]            step_q, step_d;
  reg                  armed_q;  // the unit is at work for a sample
  reg [15:0]           steps_q;  // since the last carry
  reg [ROW_BITS-1:0]   row_q;    // the row whose turn it is
  reg [SLICE_BITS-1:0] slice_q;  // and its slice
  wire unit_end = (step_q == STEP_UNIT) && armed_q && unit_idle;
<%- if batch > 1 %>
  wire due      = batch_last && (steps_q == EVERY_LAST[15:0]);
<%- else %>
  wire due      = steps_q == EVERY_LAST[15:0];
<%- endif %>
  wire row_quiet;  // no column has a whole carry
  wire codes_end;  // with this cycle all pulses up are staged
  wire fetch_end;  // with this cycle all pulses down are
  wire row_end  = (codes_end && row_quiet) || ((step_q == STEP_DOWN) && slot_take);

  always @* begin
    step_d = step_q;
    case (step_q)
      STEP_UNIT:  if (unit_end && due) step_d = STEP_READ;
      STEP_READ:  if (slot_take) step_d = STEP_CODES;
      STEP_CODES: if (codes_end) step_d = row_quiet ? STEP_UNIT : STEP_UP;
      STEP_UP:    if (slot_take) step_d = STEP_FETCH;
      STEP_FETCH: if (fetch_end) step_d = STEP_DOWN;
      STEP_DOWN:  if (slot_take) step_d = STEP_UNIT;
      default:    step_d = STEP_UNIT;
    endcase
  end

  always @(posedge clk) begin
    if (!rst_n) begin
      step_q  <= STEP_UNIT;
      armed_q <= 1'b0;
      steps_q <= 16'd0;
      row_q   <= {ROW_BITS{1'b0}};
      slice_q <= {SLICE_BITS{1'b0}};
    end else begin
      step_q  <= step_d;
      armed_q <= begin_step || (armed_q && !unit_end);
      if (unit_end<% if batch > 1 %> && batch_last<% endif %>) steps_q <= due ? 16'd0 : steps_q + 16'd1;
      if (row_end) begin
        slice_q <= (slice_q == SLICE_LAST[SLICE_BITS-1:0]) ? {SLICE_BITS{1'b0}} : slice_q + SLICE_ONE;
        if (slice_q == SLICE_LAST[SLICE_BITS-1:0]) row_q <= (row_q == ROW_LAST[ROW_BITS-1:0]) ? {ROW_BITS{1'b0}} : row_q + ROW_ONE;
      end
    end
  end

  // --- Carries: beats of codes, one cycle to count --------------------------------------------------------------------------
  localparam COUNT_WIDE = ADC_BITS + CODE_UP;
  localparam WIDE       = (COUNT_WIDE > PULSE_BITS) ? COUNT_WIDE : PULSE_BITS;
  localparam [31:0]     MOST     = ((1 << PULSE_BITS) - 1) >> BACK;
  localparam [WIDE-1:0] MOST_WIDE = {{(WIDE - PULSE_BITS) {1'b0}}, MOST[PULSE_BITS-1:0]};
  localparam [ADC_BITS-1:0] CODE_ONE = 1;

  // Whole carries in a code, no more than the longest pulse takes off.
  function [PULSE_BITS-1:0] count_of;
    input [ADC_BITS-1:0] code;
    reg   [ADC_BITS-1:0] magnitude;
    reg   [WIDE-1:0]     count;
    begin
      magnitude = code[ADC_BITS-1] ? ~code + CODE_ONE : code;
      count     = ({{(WIDE - ADC_BITS) {1'b0}}, magnitude} << CODE_UP) >> CODE_DOWN;
      count_of  = (count > MOST_WIDE) ? MOST_WIDE[PULSE_BITS-1:0] : count[PULSE_BITS-1:0];
    end
  endfunction

<% include "momentum/longest.v" %>

  wire                        s0_valid;
  wire                        s0_last;
  wire [LANES*ADC_BITS-1:0]   s0_code;
  reg                         s1_valid_q;
  reg                         s1_last_q;
  reg  [Y_BEAT_BITS-1:0]      s1_beat_q;  // of the beat in this stage, or of the last one
  reg  [LANES*PULSE_BITS-1:0] s1_count_q;
  reg  [LANES-1:0]            s1_neg_q;
  reg  [PULSE_BITS-1:0]       most_q;
  wire                        s1_first = s1_beat_q == {Y_BEAT_BITS{1'b0}};
  wire [PULSE_BITS-1:0]       most     = longest_of(s1_first ? {PULSE_BITS{1'b0}} : most_q, s1_count_q);

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

  integer k;
  always @(posedge clk) begin
    if (!rst_n) s1_valid_q <= 1'b0;
    else s1_valid_q <= s0_valid;
  end
  always @(posedge clk) begin
    s1_last_q <= s0_last;
    if (step_q == STEP_READ) s1_beat_q <= BEAT_LAST[Y_BEAT_BITS-1:0];
    else if (s0_valid) s1_beat_q <= (s1_beat_q == BEAT_LAST[Y_BEAT_BITS-1:0]) ? {Y_BEAT_BITS{1'b0}} : s1_beat_q + BEAT_ONE;
    if (s0_valid) begin
      for (k = 0; k < LANES; k = k + 1) begin
        s1_count_q[k*PULSE_BITS+:PULSE_BITS] <= count_of(s0_code[k*ADC_BITS+:ADC_BITS]);
        s1_neg_q[k]                          <= s0_code[k*ADC_BITS+ADC_BITS-1];
      end
    end
    if (s1_valid_q) most_q <= most;
  end

  assign row_quiet = most == {PULSE_BITS{1'b0}};
  assign codes_end = s1_valid_q && s1_last_q;

  // --- Down: the carries again -----------------------------------------------------------------------------------------------
  reg                         f0_valid_q;
  reg  [Y_BEAT_BITS-1:0]      f0_beat_q;
  reg                         f1_valid_q;
  reg                         f1_last_q;
  reg  [Y_BEAT_BITS-1:0]      f1_beat_q;
  wire [LANES*PULSE_BITS-1:0] f1_count;
  wire [LANES-1:0]            f1_neg;
  wire                        f0_last  = f0_beat_q == BEAT_LAST[Y_BEAT_BITS-1:0];
  wire                        f0_start = (step_q == STEP_UP) && slot_take;

  ${ name }$_vector_mem #(
      .WIDTH    (LANES * (PULSE_BITS + 1)),
      .DEPTH    (Y_BEATS),
      .ADDR_BITS(Y_BEAT_BITS)
  ) u_counts (
      .clk    (clk),
      .wr_en  (s1_valid_q),
      .wr_addr(s1_beat_q),
      .wr_data({s1_neg_q, s1_count_q}),
      .rd_en  (f0_valid_q),
      .rd_addr(f0_beat_q),
      .rd_data({f1_neg, f1_count})
  );

  always @(posedge clk) begin
    if (!rst_n) begin
      f0_valid_q <= 1'b0;
      f1_valid_q <= 1'b0;
    end else begin
      f0_valid_q <= f0_start || (f0_valid_q && !f0_last);
      f1_valid_q <= f0_valid_q;
    end
  end
  always @(posedge clk) begin
    f0_beat_q <= f0_start ? {Y_BEAT_BITS{1'b0}} : f0_beat_q + BEAT_ONE;
    f1_beat_q <= f0_beat_q;
    f1_last_q <= f0_last;
  end
  assign fetch_end = f1_valid_q && f1_last_q;

  // --- To the port -----------------------------------------------------------------------------------------------------------
  wire                   row_beat = s1_valid_q || f1_valid_q;
  reg [LANES*MAG_BITS-1:0] row_mag;
  integer m;
  always @* begin
    row_mag = {LANES * MAG_BITS{1'b0}};
    for (m = 0; m < LANES; m = m + 1) begin
      row_mag[m*MAG_BITS+:PULSE_BITS] =
          s1_valid_q ? s1_count_q[m*PULSE_BITS+:PULSE_BITS] << COARSE : f1_count[m*PULSE_BITS+:PULSE_BITS] << BACK;
    end
  end

  assign col_valid    = unit_valid || row_beat;
  assign col_beat     = s1_valid_q ? s1_beat_q : f1_valid_q ? f1_beat_q : unit_beat;
  assign col_mag      = row_beat ? row_mag : unit_mag;
  assign col_neg      = s1_valid_q ? s1_neg_q : f1_valid_q ? ~f1_neg : unit_neg;
  assign slot_req     = unit_req || (step_q == STEP_READ) || (step_q == STEP_UP) || (step_q == STEP_DOWN);
  assign slot_kind    = (step_q == STEP_READ) ? KIND_READ : KIND_WRITE;
  assign slot_alone   = step_q != STEP_UNIT;
  assign slot_row     = row_q;
  assign slot_slice   = (step_q == STEP_UNIT) ? {SLICE_BITS{1'b0}} : (step_q == STEP_UP) ? slice_q + SLICE_ONE : slice_q;
  assign slot_longest = (step_q == STEP_UP) ? most_q << COARSE : (step_q == STEP_DOWN) ? most_q << BACK : unit_longest;
  assign unit_take    = slot_take && (step_q == STEP_UNIT);
  assign skipped      = unit_skipped || (codes_end && row_quiet);
  assign idle         = (step_q == STEP_UNIT) && !armed_q && unit_idle;
endmodule
`default_nettype wire
