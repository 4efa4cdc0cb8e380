`default_nettype none
<%- if conv %>
// Layer engine of a convolution: drivers, array port and momentum unit.
//
// x beats of a window fill the row stage; `x_last` lets its forward read start. In the update they pass the momentum unit, too, and y
// beats follow. Write slots follow on their own.
<%- else %>
// Layer engine: drivers, array port and momentum unit of one layer.
//
// x beats fill the row stage (and pass the momentum unit); `fwd_enable` lets the forward read start. y beats are stored by the
// momentum unit and, with BACK, drive the columns of the transposed read as rounded codes. Write slots follow on their own.
<%- endif %>
module ${ name }$_${ prefix }$layer #(
    parameter INPUTS       = 64,  // rows without the bias
    parameter COLS         = 32,  // columns
    parameter DAC_BITS     = 8,   // bits of a driven code
    parameter ERROR_BITS   = 12,  // bits of a word of y
    parameter PULSE_BITS   = 8,   // bits of a pulse width
    parameter MAG_BITS     = 8,   // bits of a column magnitude
    parameter PULSE_CYCLES = 1,   // clock cycles per pulse-width unit
    parameter LANES        = 8,   // words per beat
<%- if !lines || ring || unit.sram() %>
    parameter X_BEATS      = 8,   // beats of x
<%- endif %>
    parameter X_BEAT_BITS  = 3,
    parameter Y_BEATS      = 4,   // beats of y
    parameter Y_BEAT_BITS  = 2,
    parameter FWD_GROUPS   = 4,   // conversions of a forward read
    parameter BACK_GROUPS  = 8,   // conversions of a transposed read
    parameter GROUP_BITS   = 3,
<%- if serial %>
    parameter PLANE_BITS   = 3,   // bits of the number of a bit plane
<%- endif %>
    parameter FWD_TAIL     = 1,   // beats of the last group of a forward read
    parameter BACK_TAIL    = 1,   // beats of the last group of a transposed read
    parameter FULL_BEATS   = 1,   // beats of any other group
    parameter TAIL_BITS    = 1,   // bits of these three
<%- if lines %>
    parameter ADCS          = 8,  // columns per word of the array
    parameter WORDS         = 4,  // words of all columns
    parameter WORD_BITS     = 2,  // bits of a word number
    parameter LINE_ROW_BITS = 7,  // bits of a row number
<%- endif %>
<%- if ring %>
    parameter DEPTH        = 8,   // pairs of history
    parameter DEPTH_BITS   = 4,
<%- endif %>
    parameter BACK         = 1,   // 1: this layer runs transposed reads
<%- if pulse_table %>
    parameter TABLE        = 0,   // number of the pulse table
    parameter QUIET        = 0,   // its largest code without a pulse
<%- endif %>
<%- if unit.sram() %>
    parameter ROW_BITS       = 7,   // bits of a row number
    parameter VELOCITY_BITS  = 28,  // bits of a velocity<% if !stochastic %> and of a residue<% endif %>
    parameter GRADIENT_SHIFT = 6,   // x y eta -> velocity
    parameter STEP_SHIFT     = 14,  // a step of the device in a <% if stochastic %>velocity<% else %>residue<% endif %>
<%- if stochastic %>
    parameter [31:0] LFSR_SEED = 32'd1,  // of the generators
<%- endif %>
<%- endif %>
<%- if unit.in_array() %>
    parameter DECAY_CYCLES    = 25,  // length of a decay of V
    parameter TRANSFER_CYCLES = 50,  // length of a transfer of V to W
<%- endif %>
<%- if sliced %>
    parameter ROW_BITS     = 7,   // bits of a row number
    parameter SLICES       = 2,   // devices per weight
    parameter SLICE_BITS   = 1,   // bits of a slice's number
    parameter EVERY        = 1,   // steps from one row's carry to the next row's
    parameter ADCS         = 8,   // codes per group
    parameter ADC_BITS     = 8,   // bits of a code
    parameter CODE_UP      = 0,   // carries in a code,
    parameter CODE_DOWN    = 4,
    parameter COARSE       = 0,   // in pulse width on the slice above
    parameter BACK_WIDTH   = 3,   // and on the slice itself
<%- endif %>
<%- if unit.tiki_taka() %>
    parameter ROW_BITS     = 7,   // bits of a row number
    parameter ADCS         = 8,   // codes per group
    parameter ADC_BITS     = 8,   // bits of a code
    parameter EVERY        = 1,   // steps from one row's transfer to the next row's
    parameter RESIDUE_BITS = 12,  // bits of a residue
    parameter CODE_SHIFT   = 1,   // a code in a residue
    parameter STEP_SHIFT   = 0,   // a step of the device in a residue
    parameter COARSE       = 0,   // and in pulse width
    parameter BACK_SHIFT   = 15,  // |code| times share -> pulse width
<%- endif %>
<%- if unit.sram() %>
    parameter COARSE         = 0    // and in pulse width
<%- else %>
    parameter WIDTH_SHIFT  = 14   // |y| eta gamma^j -> pulse width
<%- endif %>
) (
    input  wire                           clk,
    input  wire                           rst_n,
    input  wire [15:0]                    learning_rate,  // factor of a gradient
<%- if ages > 1 %>
    input  wire                           factor_valid,   // factors of earlier gradients
    input  wire [${ age_bits - 1 }$:0]                     factor_age,
    input  wire [15:0]                    factor_data,
<%- endif %>
<%- if unit.momentum() %>
<%- if ring %>
    input  wire [DEPTH_BITS-1:0]          depth,
<%- else %>
    input  wire [15:0]                    momentum,
<%- endif %>
<%- endif %>
<%- if clears %>
    input  wire                           clear_history,
<%- endif %>
<%- if ring && conv %>
    input  wire                           pair_begin,   // y of a window is about to come
<%- else if ring %>
    input  wire                           train,        // the sample in the machine is trained
<%- endif %>
<%- if batch_first %>
    input  wire                           batch_first,  // <% if conv %>the window is the first of its batch<% else %>it is the first of its batch<% endif %>
<%- endif %>
<%- if batch > 1 %>
    input  wire                           batch_last,   // it is the last
<%- endif %>
    input  wire                           x_valid,      // input vector of the layer
    input  wire [X_BEAT_BITS-1:0]         x_beat,
    input  wire                           x_last,
    input  wire [LANES*DAC_BITS-1:0]      x_data,
    input  wire                           fwd_enable,   // a forward read may start
    input  wire                           y_valid,      // error times slope
    input  wire [Y_BEAT_BITS-1:0]         y_beat,
    input  wire                           y_last,
    input  wire [LANES*ERROR_BITS-1:0]    y_data,
    input  wire [LANES*(DAC_BITS-1)-1:0]  y_drive,      // its magnitudes as column codes
    input  wire                           path_ready,   // the read path takes a code
    output wire                           fwd_start,    // a forward read starts in the next cycle
    output wire                           back_start,   // a transposed read starts in the next cycle
    output wire                           code_valid,   // a group's codes leave the macro in this cycle
<%- if serial %>
    output wire                           code_last,    // it is the last group of its bit plane
    output wire                           plane_first,  // the plane is the first of its read
    output wire                           plane_last,   // it is the last
<%- else %>
    output wire                           code_last,    // it is the read's last group
<%- endif %>
    output wire [TAIL_BITS-1:0]           code_beats,   // beats in this group
<%- if memory %>
    input  wire                           cell_req,     // an operation on one cell waits
    input  wire                           cell_read,    // it is a read, else a pulse
    input  wire                           pulse_last,   // the cell's pulse is in its last cycle or over
    output wire                           cell_take,    // it begins in the next cycle
    output wire                           cell_end,     // it ends with this cycle
<%- endif %>
    output wire                           unit_idle,    // the momentum unit has nothing left to fetch
    output wire                           port_idle,    // the array does nothing
    output wire                           slot_start,   // a write slot starts in the next cycle
    output wire                           slot_skipped, // a stored pair gave no pulse
    output wire                           op_valid,     // array macro, see docs/array-macro.md
    output wire [${ kind_bits - 1 }$:0]                     op_kind,
<%- if sliced %>
    output reg  [SLICE_BITS-1:0]          op_slice,     // the slice that it is for, but for forward and transposed reads
<%- endif %>
    output wire                           op_last,
    input  wire                           op_ready,
<%- if lines %>
    input  wire [LINE_ROW_BITS-1:0]       line_row,     // codes on the lines, a cycle after they are asked for
    output wire [DAC_BITS-1:0]            row_code,
    input  wire [WORD_BITS-1:0]           line_word,
    output wire [ADCS*MAG_BITS-1:0]       col_mag,
    output wire [ADCS-1:0]                col_neg,
<%- else %>
    output wire [(INPUTS+1)*DAC_BITS-1:0] row_code,
<%- if serial %>
    output wire [INPUTS:0]                row_bit,
    output wire [COLS-1:0]                col_bit,
<%- endif %>
    output wire [COLS*MAG_BITS-1:0]       col_mag,
    output wire [COLS-1:0]                col_neg,
    output wire [COLS-1:0]                col_on,
<%- endif %>
    output wire [GROUP_BITS-1:0]          adc_group,
    output wire                           adc_ready,
<%- if unit.in_array() %>
    output wire [15:0]                    gamma,        // what a decay leaves of the velocity, 16 fraction bits
<%- endif %>
<%- if row_reads %>
    input  wire [ADCS*ADC_BITS-1:0]       adc_code,
<%- endif %>
    input  wire                           adc_valid
);
  // --- Stages: who waits in them ---------------------------------------------------------------------------------------
  reg  x_staged_q;
  wire take_fwd;
  always @(posedge clk) begin
    if (!rst_n) x_staged_q <= 1'b0;
    else x_staged_q <= (x_valid && x_last) || (x_staged_q && !take_fwd);
  end

  wire back_req;
  wire take_back;
  wire drive_valid;
  wire [LANES*MAG_BITS-1:0] drive_mag;
  wire [LANES-1:0]          drive_neg;
  generate
    if (BACK != 0) begin : gen_back
      reg back_q;
      always @(posedge clk) begin
        if (!rst_n) back_q <= 1'b0;
        else back_q <= (y_valid && y_last) || (back_q && !take_back);
      end
      assign back_req    = back_q;
      assign drive_valid = y_valid;

      reg [LANES*MAG_BITS-1:0] mag;
      reg [LANES-1:0]          neg;
      integer d;
      always @* begin
        mag = {LANES * MAG_BITS{1'b0}};
        neg = {LANES{1'b0}};
        // The lines rest between beats.
        if (y_valid) begin
          for (d = 0; d < LANES; d = d + 1) begin
            mag[d*MAG_BITS+:DAC_BITS-1] = y_drive[d*(DAC_BITS-1)+:DAC_BITS-1];
            neg[d]                      = y_data[d*ERROR_BITS+ERROR_BITS-1];
          end
        end
      end
      assign drive_mag = mag;
      assign drive_neg = neg;
    end else begin : gen_no_back
      wire unused_back = &{1'b0, take_back, y_drive};
      assign back_req    = 1'b0;
      assign drive_valid = 1'b0;
      assign drive_mag   = {LANES * MAG_BITS{1'b0}};
      assign drive_neg   = {LANES{1'b0}};
    end
  endgenerate

  // --- Momentum unit ---------------------------------------------------------------------------------------------------
<%- if ring %>
  wire                       row_valid;
  wire [X_BEAT_BITS-1:0]     row_beat;
  wire [LANES*DAC_BITS-1:0]  row_data;
  wire                       slot_rows;
<%- endif %>
  wire                       col_valid;
  wire [Y_BEAT_BITS-1:0]     col_beat;
  wire [LANES*MAG_BITS-1:0]  unit_mag;
  wire [LANES-1:0]           unit_neg;
  wire                       slot_req;
  wire [PULSE_BITS-1:0]      slot_longest;
<%- if single_rows %>
  wire [ROW_BITS-1:0]        slot_row;
<%- endif %>
<%- if row_reads %>
  localparam [2:0] KIND_ROW_READ = 3'd4;
  wire [2:0]                 slot_kind;
  wire                       slot_alone;
  wire                       slot_lines = slot_kind != KIND_ROW_READ;  // a read pulses no column
  wire                       row_read   = op_kind == KIND_ROW_READ;    // its codes are <% if sliced %>those of a carry<% else %>the unit's<% endif %>
  wire                       row_ready;
  wire                       group_last;
<%- endif %>
<%- if sliced %>
  wire [SLICE_BITS-1:0]      slot_slice;
  wire                       pair_valid;
  wire [Y_BEAT_BITS-1:0]     pair_beat;
  wire [LANES*MAG_BITS-1:0]  pair_mag;
  wire [LANES-1:0]           pair_neg;
  wire                       pair_req;
  wire [PULSE_BITS-1:0]      pair_longest;
  wire                       pair_take;
  wire                       pair_skipped;
  wire                       pair_idle;
<%- endif %>
<%- if unit.in_array() %>
  wire [2:0]                 slot_kind;
<%- if nesterov %>
  wire                       slot_lines = slot_kind[1:0] == 2'd2;  // decay and transfer need no lines
<%- else %>
  wire                       slot_lines = slot_kind == 3'd6;  // decay and transfer need no lines
<%- endif %>
<%- endif %>
  wire                       take_slot;
<%- if ring && !unit.momentum() %>
  // The pairs of one batch, all with the factor of their own step.
  localparam [31:0] WHOLE_RING = DEPTH;
<%- endif %>

  ${ name }$_${ prefix }$momentum_${ module }$ #(
<%- if ring %>
      .DEPTH      (DEPTH),
      .DEPTH_BITS (DEPTH_BITS),
<%- if batch > 1 %>
      .BATCH      (${ batch }$),
      .BATCH_BITS (${ batch_bits }$),
<%- endif %>
      .INPUTS_BITS(LANES * DAC_BITS),
      .X_BEATS    (X_BEATS),
      .X_BEAT_BITS(X_BEAT_BITS),
<%- endif %>
      .Y_BEATS    (Y_BEATS),
      .Y_BEAT_BITS(Y_BEAT_BITS),
      .LANES      (LANES),
<%- if lines && !unit.sram() %>
      .COLS       (COLS),
<%- endif %>
      .ERROR_BITS (ERROR_BITS),
      .PULSE_BITS (PULSE_BITS),
      .MAG_BITS   (MAG_BITS),
<%- if pulse_table %>
      .TABLE      (TABLE),
      .QUIET      (QUIET),
<%- endif %>
<%- if unit.sram() %>
      .ROWS          (INPUTS + 1),
      .ROW_BITS      (ROW_BITS),
      .DAC_BITS      (DAC_BITS),
      .X_BEATS       (X_BEATS),
      .X_BEAT_BITS   (X_BEAT_BITS),
      .VELOCITY_BITS (VELOCITY_BITS),
      .GRADIENT_SHIFT(GRADIENT_SHIFT),
      .STEP_SHIFT    (STEP_SHIFT),
<%- if stochastic %>
      .LFSR_SEED     (LFSR_SEED),
<%- endif %>
      .COARSE        (COARSE)
<%- else %>
<%- if unit.tiki_taka() %>
      .ROWS        (INPUTS + 1),
      .ROW_BITS    (ROW_BITS),
      .EVERY       (EVERY),
      .ADCS        (ADCS),
      .ADC_BITS    (ADC_BITS),
      .TAIL_BITS   (TAIL_BITS),
      .RESIDUE_BITS(RESIDUE_BITS),
      .CODE_SHIFT  (CODE_SHIFT),
      .STEP_SHIFT  (STEP_SHIFT),
      .COARSE      (COARSE),
      .BACK_SHIFT  (BACK_SHIFT),
<%- endif %>
      .WIDTH_SHIFT(WIDTH_SHIFT)
<%- endif %>
  ) u_momentum (
      .clk          (clk),
      .rst_n        (rst_n),
<%- if ring %>
      .own_factor   (learning_rate),
<%- if ages > 1 %>
      .factor_valid (factor_valid),
      .factor_age   (factor_age),
      .factor_data  (factor_data),
<%- endif %>
<%- if unit.momentum() %>
      .depth        (depth),
<%- else %>
      .depth        (WHOLE_RING[DEPTH_BITS-1:0]),
<%- endif %>
<%- else %>
      .learning_rate(learning_rate),
<%- if unit.momentum() %>
      .momentum     (momentum),
<%- endif %>
<%- endif %>
<%- if clears %>
      .clear_history(clear_history),
<%- endif %>
<%- if batch_first %>
      .batch_first  (batch_first),
<%- endif %>
<%- if batch > 1 %>
      .batch_last   (batch_last),
<%- endif %>
<%- if ring %>
<%- if conv %>
      .reads_begun  (pair_begin),
<%- else %>
      .reads_begun  ((BACK != 0) ? take_back : take_fwd && train),
<%- endif %>
<%- endif %>
<%- if ring || unit.sram() %>
      .x_valid      (x_valid),
      .x_beat       (x_beat),
      .x_data       (x_data),
<%- endif %>
      .y_valid      (y_valid),
      .y_beat       (y_beat),
      .y_last       (y_last),
      .y_data       (y_data),
      .stage_busy   (back_req),
<%- if unit.tiki_taka() %>
      .code_ready   (row_ready),
      .code_valid   (adc_valid && adc_ready && row_read),
      .code_last    (group_last),
      .code_beats   (code_beats),
      .code_data    (adc_code),
<%- endif %>
<%- if ring %>
      .row_valid    (row_valid),
      .row_beat     (row_beat),
      .row_data     (row_data),
<%- endif %>
<%- if sliced %>
      .col_valid    (pair_valid),
      .col_beat     (pair_beat),
      .col_mag      (pair_mag),
      .col_neg      (pair_neg),
      .slot_req     (pair_req),
<%- else %>
      .col_valid    (col_valid),
      .col_beat     (col_beat),
      .col_mag      (unit_mag),
      .col_neg      (unit_neg),
      .slot_req     (slot_req),
<%- endif %>
<%- if ring %>
      .slot_rows    (slot_rows),
<%- endif %>
<%- if single_rows && !sliced %>
      .slot_row     (slot_row),
<%- endif %>
<%- if unit.tiki_taka() %>
      .slot_alone   (slot_alone),
<%- endif %>
<%- if unit.second_devices() %>
      .slot_kind    (slot_kind),
<%- endif %>
<%- if sliced %>
      .slot_longest (pair_longest),
      .slot_take    (pair_take),
      .skipped      (pair_skipped),
      .idle         (pair_idle)
  );

  ${ name }$_carry #(
      .ROWS       (INPUTS + 1),
      .ROW_BITS   (ROW_BITS),
      .SLICES     (SLICES),
      .SLICE_BITS (SLICE_BITS),
      .EVERY      (EVERY),
      .ADCS       (ADCS),
      .ADC_BITS   (ADC_BITS),
      .TAIL_BITS  (TAIL_BITS),
      .Y_BEATS    (Y_BEATS),
      .Y_BEAT_BITS(Y_BEAT_BITS),
      .LANES      (LANES),
      .PULSE_BITS (PULSE_BITS),
      .MAG_BITS   (MAG_BITS),
      .CODE_UP    (CODE_UP),
      .CODE_DOWN  (CODE_DOWN),
      .COARSE     (COARSE),
      .BACK       (BACK_WIDTH)
  ) u_carry (
      .clk         (clk),
      .rst_n       (rst_n),
<%- if batch > 1 %>
      .batch_last  (batch_last),
<%- endif %>
<%- if ring %>
      .begin_step  ((BACK != 0) ? take_back : take_fwd && train),
<%- else %>
      .begin_step  (y_valid && y_last),
<%- endif %>
      .unit_idle   (pair_idle),
      .unit_skipped(pair_skipped),
      .unit_req    (pair_req),
      .unit_longest(pair_longest),
      .unit_take   (pair_take),
      .unit_valid  (pair_valid),
      .unit_beat   (pair_beat),
      .unit_mag    (pair_mag),
      .unit_neg    (pair_neg),
      .code_ready  (row_ready),
      .code_valid  (adc_valid && adc_ready && row_read),
      .code_last   (group_last),
      .code_beats  (code_beats),
      .code_data   (adc_code),
      .col_valid   (col_valid),
      .col_beat    (col_beat),
      .col_mag     (unit_mag),
      .col_neg     (unit_neg),
      .slot_req    (slot_req),
      .slot_kind   (slot_kind),
      .slot_alone  (slot_alone),
      .slot_row    (slot_row),
      .slot_slice  (slot_slice),
      .slot_longest(slot_longest),
      .slot_take   (take_slot),
      .skipped     (slot_skipped),
      .idle        (unit_idle)
  );

  always @(posedge clk) begin
    if (take_slot) op_slice <= slot_slice;
  end
<%- else %>
      .slot_longest (slot_longest),
      .slot_take    (take_slot),
<%- if unit.in_array() %>
      .gamma        (gamma),
<%- endif %>
      .skipped      (slot_skipped),
      .idle         (unit_idle)
  );
<%- endif %>

  // --- Array port and drivers ------------------------------------------------------------------------------------------
  wire                  tick;
  wire [PULSE_BITS-1:0] ramp;
<%- if !row_reads %>
  wire                  group_last;
<%- endif %>
<%- if serial %>
  wire                  step_end;
  // The low bit of the kinds of reads: 1 is the transposed one.
  wire                  turn_rows = step_end && !op_kind[0];
  wire                  turn_cols = step_end && op_kind[0];
<%- endif %>

  ${ name }$_array_port #(
      .PULSE_BITS  (PULSE_BITS),
      .PULSE_CYCLES(PULSE_CYCLES),
<%- if unit.in_array() %>
      .DECAY_CYCLES   (DECAY_CYCLES),
      .TRANSFER_CYCLES(TRANSFER_CYCLES),
<%- endif %>
      .FWD_GROUPS  (FWD_GROUPS),
      .BACK_GROUPS (BACK_GROUPS),
<%- if serial %>
      .FWD_PLANES  (DAC_BITS),
      .BACK_PLANES (DAC_BITS - 1),
      .PLANE_BITS  (PLANE_BITS),
<%- endif %>
      .GROUP_BITS  (GROUP_BITS)
  ) u_port (
      .clk         (clk),
      .rst_n       (rst_n),
      .fwd_req     (x_staged_q && fwd_enable),
      .back_req    (back_req),
      .slot_req    (slot_req),
<%- if kind_bits > 2 %>
      .slot_kind   (slot_kind),
<%- endif %>
      .slot_longest(slot_longest),
<%- if memory %>
      .cell_req    (cell_req),
      .cell_read   (cell_read),
      .pulse_last  (pulse_last),
<%- endif %>
      .take_fwd    (take_fwd),
      .take_back   (take_back),
      .take_slot   (take_slot),
<%- if memory %>
      .take_cell   (cell_take),
      .cell_end    (cell_end),
<%- endif %>
      .tick        (tick),
      .ramp        (ramp),
      .idle        (port_idle),
      .op_valid    (op_valid),
      .op_kind     (op_kind),
      .op_last     (op_last),
      .op_ready    (op_ready),
      .adc_group   (adc_group),
      .adc_ready   (adc_ready),
      .adc_valid   (adc_valid),
<%- if row_reads %>
      .path_ready  (row_read ? row_ready : path_ready),
<%- else %>
      .path_ready  (path_ready),
<%- endif %>
<%- if serial %>
      .step_end    (step_end),
      .plane_first (plane_first),
      .plane_last  (plane_last),
<%- endif %>
      .group_last  (group_last)
  );

  ${ name }$_row_<% if lines %>lines<% else %>driver<% endif %> #(
      .INPUTS   (INPUTS),
      .DAC_BITS (DAC_BITS),
      .LANES    (LANES),
<%- if lines %>
      .ROW_BITS (LINE_ROW_BITS),
<%- else %>
      .BEATS    (X_BEATS),
<%- if single_rows %>
      .ROW_BITS (ROW_BITS),
<%- endif %>
<%- endif %>
      .BEAT_BITS(X_BEAT_BITS)
  ) u_rows (
      .clk       (clk),
<%- if lines %>
      .rst_n     (rst_n),
<%- endif %>
<%- if ring %>
      .load_valid(x_valid || row_valid),
      .load_beat (row_valid ? row_beat : x_beat),
      .load_data (row_valid ? row_data : x_data),
      .take      (take_fwd || (take_slot && slot_rows<% if sliced %> && !slot_alone<% endif %>)),
<%- else %>
      .load_valid(x_valid),
      .load_beat (x_beat),
      .load_data (x_data),
<%- if conv && unit.in_array() %>
      .take      (take_fwd || (take_slot && slot_lines)),
<%- else if conv && !unit.sram() %>
      .take      (take_fwd || take_slot),
<%- else %>
      .take      (take_fwd),
<%- endif %>
<%- endif %>
<%- if single_rows %>
      .select    (take_slot<% if row_reads %> && slot_alone<% endif %>),
      .select_row(slot_row),
<%- endif %>
<%- if lines %>
      .line_row  (line_row),
<%- endif %>
<%- if serial %>
      .turn      (turn_rows),
<%- if row_reads %>
      .select_bit(!slot_lines),
<%- endif %>
      .row_bit   (row_bit),
<%- endif %>
      .row_code  (row_code)
  );

  ${ name }$_col_<% if lines %>lines<% else %>driver<% endif %> #(
      .COLS      (COLS),
      .MAG_BITS  (MAG_BITS),
<%- if lines %>
      .ADCS      (ADCS),
      .WORDS     (WORDS),
      .WORD_BITS (WORD_BITS),
<%- else %>
      .PULSE_BITS(PULSE_BITS),
      .BEATS     (Y_BEATS),
<%- endif %>
      .LANES     (LANES),
      .BEAT_BITS (Y_BEAT_BITS)
  ) u_cols (
      .clk       (clk),
      .rst_n     (rst_n),
      .load_valid(drive_valid || col_valid),
      .load_beat (col_valid ? col_beat : y_beat),
      .load_mag  (col_valid ? unit_mag : drive_mag),
      .load_neg  (col_valid ? unit_neg : drive_neg),
<%- if lines %>
      .take      (take_back || take_slot),
      .line_word (line_word),
<%- else %>
<%- if kind_bits > 2 %>
      .take      (take_back || (take_slot && slot_lines)),
      .take_pulse(take_slot && slot_lines),
<%- else %>
      .take      (take_back || take_slot),
      .take_pulse(take_slot),
<%- endif %>
      .tick      (tick),
      .ramp      (ramp),
      .col_on    (col_on),
<%- endif %>
<%- if serial %>
      .turn      (turn_cols),
      .col_bit   (col_bit),
<%- endif %>
      .col_mag   (col_mag),
      .col_neg   (col_neg)
  );
<%- if lines %>
  // The array applies pulses by their widths.
  wire unused_ramp = &{1'b0, tick, ramp};
<%- endif %>

  localparam [31:0] TAIL_FWD  = FWD_TAIL;
  localparam [31:0] TAIL_BACK = BACK_TAIL;
  localparam [31:0] TAIL_FULL = FULL_BEATS;
  assign fwd_start  = take_fwd;
  assign back_start = take_back;
  assign slot_start = take_slot;
<%- if memory %>
  // Codes of single cells are not for the read path.
  assign code_valid = adc_valid && adc_ready && (op_kind != 2'd3);
<%- else if row_reads %>
  assign code_valid = adc_valid && adc_ready && !row_read;
<%- else %>
  assign code_valid = adc_valid && adc_ready;
<%- endif %>
  assign code_last  = group_last;
  assign code_beats = !group_last ? TAIL_FULL[TAIL_BITS-1:0] : op_kind[0] ? TAIL_BACK[TAIL_BITS-1:0] : TAIL_FWD[TAIL_BITS-1:0];
endmodule
`default_nettype wire
