`default_nettype none
<%- if stochastic %>
// Momentum unit `sram`, rounding by chance: velocity V in digital memory, a word per cell. A training step goes through the
// array row by row: V <- gamma V + eta x y; whole steps of the device in V leave as pulses of one row, driven alone, and one
// step more with the probability of what is left. A row without a pulse costs no slot.
//
// Each lane draws from a generator of its own, a shift register of 32 bits with linear feedback. Reset starts them again, a
// clear does not.
//
<%- else %>
// Momentum unit `sram`: velocity V and residue chi in digital memory, a word of each per cell. A training step goes through
// the array row by row: V <- gamma V + eta x y, chi <- chi + V; what chi holds of whole steps of the device leaves as pulses of
// one row, driven alone, and a row without a pulse costs no slot.
//
<%- endif %>
<%- if nesterov %>
// Nesterov's look ahead: the memory holds gamma V, and chi takes gamma V + eta x y.
//
// A beat of LANES cells takes six cycles: fetch, x * eta, gradient, velocity, decay, residue. Beats follow one another without a gap; they
<%- else %>
// A beat of LANES cells takes five cycles: fetch, x * eta, products, velocity, <% if stochastic %>pulses<% else %>residue<% endif %>. Beats follow one another without a gap; they
<%- endif %>
// wait while the row before them is still in the column stage. After a reset and after a clear all words count as zero.
// Latency: from the last y beat to the first column beat ${ stages }$ cycles.
module ${ name }$_${ prefix }$momentum_sram #(
    parameter ROWS           = 65,  // rows, bias included
    parameter ROW_BITS       = 7,   // bits of a row number
    parameter DAC_BITS       = 8,   // bits of a word of x
    parameter X_BEATS        = 8,   // beats of x
    parameter X_BEAT_BITS    = 3,   // bits of an x beat number
    parameter Y_BEATS        = 4,   // beats of y
    parameter Y_BEAT_BITS    = 2,   // bits of a y beat number
    parameter LANES          = 8,   // words per beat
    parameter ERROR_BITS     = 12,  // bits of a word of y
    parameter PULSE_BITS     = 8,   // bits of a pulse width
    parameter MAG_BITS       = 8,   // bits of a column magnitude, at least PULSE_BITS
    parameter VELOCITY_BITS  = 28,  // bits of V<% if !stochastic %> and of chi<% endif %>, at least PULSE_BITS + 2
    parameter GRADIENT_SHIFT = 6,   // x * y * eta is divided by 2^GRADIENT_SHIFT, rounded
<%- if stochastic %>
    parameter [31:0] LFSR_SEED = 32'd1,  // of the layer's generators
    parameter STEP_SHIFT     = 14,  // a step of the device is 2^STEP_SHIFT of V, 1 to VELOCITY_BITS - 2
<%- else %>
    parameter STEP_SHIFT     = 14,  // a step of the device is 2^STEP_SHIFT of chi
<%- endif %>
    parameter COARSE         = 0    // and 2^COARSE units of pulse width, less than 2^PULSE_BITS
) (
    input  wire                          clk,
    input  wire                          rst_n,
    input  wire [15:0]                   learning_rate,  // eta, 14 fraction bits
    input  wire [15:0]                   momentum,       // gamma, 16 fraction bits
    input  wire                          clear_history,  // forget velocities<% if !stochastic %> and residues<% endif %> before the next step
<%- if batch > 1 %>
<%- if !nesterov %>
    input  wire                          batch_first,    // the sample is the first of its batch: V decays
<%- endif %>
    input  wire                          batch_last,     // it is the last of its batch: pulses go out
<%- endif %>
    input  wire                          x_valid,        // x of the sample passes by
    input  wire [X_BEAT_BITS-1:0]        x_beat,
    input  wire [LANES*DAC_BITS-1:0]     x_data,
    input  wire                          y_valid,        // y of the sample passes by
    input  wire [Y_BEAT_BITS-1:0]        y_beat,
    input  wire                          y_last,
    input  wire [LANES*ERROR_BITS-1:0]   y_data,
    input  wire                          stage_busy,     // the column stage waits for a transposed read
    output wire                          col_valid,      // pulse-width beat for the column stage
    output wire [Y_BEAT_BITS-1:0]        col_beat,
    output wire [LANES*MAG_BITS-1:0]     col_mag,
    output wire [LANES-1:0]              col_neg,
    output wire                          slot_req,       // the column stage holds a slot
    output wire [ROW_BITS-1:0]           slot_row,       // its row
    output wire [PULSE_BITS-1:0]         slot_longest,   // its longest pulse
    input  wire                          slot_take,      // the slot starts
    output wire                          skipped,        // a row without a pulse was passed over
    output wire                          idle            // nothing left to do for the step
);
  localparam SCALED    = DAC_BITS + 17;
  localparam GRADIENT  = SCALED + ERROR_BITS;
  localparam DECAYED   = VELOCITY_BITS + 17;
  localparam WIDE      = ((GRADIENT > DECAYED) ? GRADIENT : DECAYED) + 2;
  localparam CELL      = <% if stochastic %>VELOCITY_BITS<% else %>2 * VELOCITY_BITS<% endif %>;
  localparam ADDR_BITS = (ROWS * Y_BEATS > 1) ? $clog2(ROWS * Y_BEATS) : 1;
  localparam LANE_BITS = (LANES > 1) ? $clog2(LANES) : 1;
  localparam [31:0] ROW_LAST  = ROWS - 1;
  localparam [31:0] BEAT_LAST = Y_BEATS - 1;
  localparam [31:0] LANE_LAST = LANES - 1;
  localparam [ROW_BITS-1:0]    ROW_ONE  = 1;
  localparam [Y_BEAT_BITS-1:0] BEAT_ONE = 1;
  localparam [X_BEAT_BITS-1:0] X_ONE    = 1;
  localparam [LANE_BITS-1:0]   LANE_ONE = 1;
  localparam [ADDR_BITS-1:0]   ADDR_ONE = 1;
  localparam [DAC_BITS-1:0] FULL_SCALE = {1'b0, {(DAC_BITS - 1) {1'b1}}};
  localparam signed [WIDE-1:0] WIDE_ONE  = 1;
  localparam signed [WIDE-1:0] HALF      = (GRADIENT_SHIFT == 0) ? {WIDE{1'b0}} : (WIDE_ONE << GRADIENT_SHIFT) >> 1;
<%- if nesterov %>
  localparam signed [DECAYED-1:0] DECAYED_ONE = 1;
  localparam signed [DECAYED-1:0] TRUNCATE    = (DECAYED_ONE << 16) - DECAYED_ONE;
<%- else %>
  localparam signed [WIDE-1:0] TRUNCATE  = (WIDE_ONE << 16) - WIDE_ONE;
<%- endif %>
  localparam signed [WIDE-1:0] LARGEST   = (WIDE_ONE << (VELOCITY_BITS - 1)) - WIDE_ONE;
<%- if nesterov %>

  // The rounded gradient, saturated.
  function [VELOCITY_BITS-1:0] gradient_of;
    input [GRADIENT-1:0] gradient;
    reg signed [WIDE-1:0] step;
    begin
      step = {{(WIDE - GRADIENT) {gradient[GRADIENT-1]}}, gradient};
      step = (step + HALF) >>> GRADIENT_SHIFT;
      if (step > LARGEST) step = LARGEST;
      if (step < -LARGEST) step = -LARGEST;
      gradient_of = step[VELOCITY_BITS-1:0];
    end
  endfunction

  // gamma V, rounded towards zero so that it dies out.
  function [VELOCITY_BITS-1:0] decayed_of;
    input [DECAYED-1:0] product;
    reg signed [DECAYED-1:0] kept;
    begin
      kept = product;
      if (product[DECAYED-1]) kept = kept + TRUNCATE;
      kept = kept >>> 16;
      decayed_of = kept[VELOCITY_BITS-1:0];
    end
  endfunction
<%- else %>

  // gamma V, rounded towards zero so that it dies out, and the rounded gradient; saturated.
  function [VELOCITY_BITS-1:0] velocity_of;
    input [DECAYED-1:0]  decayed;
    input [GRADIENT-1:0] gradient;
    reg signed [WIDE-1:0] kept;
    reg signed [WIDE-1:0] step;
    begin
      kept = {{(WIDE - DECAYED) {decayed[DECAYED-1]}}, decayed};
      step = {{(WIDE - GRADIENT) {gradient[GRADIENT-1]}}, gradient};
      if (decayed[DECAYED-1]) kept = kept + TRUNCATE;
      kept = (kept >>> 16) + ((step + HALF) >>> GRADIENT_SHIFT);
      if (kept > LARGEST) kept = LARGEST;
      if (kept < -LARGEST) kept = -LARGEST;
      velocity_of = kept[VELOCITY_BITS-1:0];
    end
  endfunction
<%- endif %>
<%- if !stochastic %>
<%- if nesterov %>

  // A sum, saturated.
<%- else %>

  // chi + V, saturated.
<%- endif %>
  function [VELOCITY_BITS-1:0] total_of;
    input [VELOCITY_BITS-1:0] chi;
    input [VELOCITY_BITS-1:0] velocity;
    reg signed [WIDE-1:0] sum;
    begin
      sum = {{(WIDE - VELOCITY_BITS) {chi[VELOCITY_BITS-1]}}, chi} +
            {{(WIDE - VELOCITY_BITS) {velocity[VELOCITY_BITS-1]}}, velocity};
      if (sum > LARGEST) sum = LARGEST;
      if (sum < -LARGEST) sum = -LARGEST;
      total_of = sum[VELOCITY_BITS-1:0];
    end
  endfunction
<%- endif %>

  localparam HELD_BITS = VELOCITY_BITS;
<% include "momentum/steps.v" %>
<%- if stochastic %>

<% include "momentum/lfsr.v" %>
<%- endif %>

  // --- Fetch: rows in order, beats of a row in order ------------------------------------------------------------------
  reg                   running_q;
  reg                   clear_q;  // words count as zero in the next step
  reg                   fresh_q;  // and in this one
  reg [ROW_BITS-1:0]    row_q;
  reg [Y_BEAT_BITS-1:0] beat_q;
  reg [X_BEAT_BITS-1:0] x_beat_q;
  reg [LANE_BITS-1:0]   lane_q;
  reg [ADDR_BITS-1:0]   addr_q;
  reg                   s1_valid_q, s2_valid_q, s3_valid_q, s4_valid_q<% if nesterov %>, s5_valid_q<% endif %>;
  reg                   slot_q;   // the column stage holds a row with a pulse
  wire start     = y_valid && y_last;
  wire beat_end  = beat_q == BEAT_LAST[Y_BEAT_BITS-1:0];
  wire row_end   = row_q == ROW_LAST[ROW_BITS-1:0];
  // The beat that is done next would overwrite what the column stage still holds.
  wire hold      = ${ end }$_valid_q && (stage_busy || (slot_q && !slot_take));
  wire fetch     = running_q && !hold;

  always @(posedge clk) begin
    if (!rst_n) begin
      running_q <= 1'b0;
      clear_q   <= 1'b1;
    end else begin
      running_q <= start || (running_q && !(fetch && beat_end && row_end));
      clear_q   <= clear_history || (clear_q && !start);
    end
  end

  always @(posedge clk) begin
    if (start) begin
      fresh_q  <= clear_q;
      row_q    <= {ROW_BITS{1'b0}};
      beat_q   <= {Y_BEAT_BITS{1'b0}};
      x_beat_q <= {X_BEAT_BITS{1'b0}};
      lane_q   <= {LANE_BITS{1'b0}};
      addr_q   <= {ADDR_BITS{1'b0}};
    end else if (fetch) begin
      addr_q <= addr_q + ADDR_ONE;
      beat_q <= beat_end ? {Y_BEAT_BITS{1'b0}} : beat_q + BEAT_ONE;
      if (beat_end) begin
        row_q  <= row_q + ROW_ONE;
        lane_q <= (lane_q == LANE_LAST[LANE_BITS-1:0]) ? {LANE_BITS{1'b0}} : lane_q + LANE_ONE;
        if (lane_q == LANE_LAST[LANE_BITS-1:0]) x_beat_q <= x_beat_q + X_ONE;
      end
    end
  end

  wire [LANES*DAC_BITS-1:0]   x_out;
  wire [LANES*ERROR_BITS-1:0] y_out;
  wire [LANES*CELL-1:0]       cells_out;
  wire [LANES*CELL-1:0]       cells_in;

  ${ name }$_vector_mem #(
      .WIDTH    (LANES * DAC_BITS),
      .DEPTH    (X_BEATS),
      .ADDR_BITS(X_BEAT_BITS)
  ) u_x (
      .clk    (clk),
      .wr_en  (x_valid),
      .wr_addr(x_beat),
      .wr_data(x_data),
      .rd_en  (fetch),
      .rd_addr(x_beat_q),
      .rd_data(x_out)
  );

  ${ name }$_vector_mem #(
      .WIDTH    (LANES * ERROR_BITS),
      .DEPTH    (Y_BEATS),
      .ADDR_BITS(Y_BEAT_BITS)
  ) u_y (
      .clk    (clk),
      .wr_en  (y_valid),
      .wr_addr(y_beat),
      .wr_data(y_data),
      .rd_en  (fetch),
      .rd_addr(beat_q),
      .rd_data(y_out)
  );

  reg [ADDR_BITS-1:0] s1_addr_q, s2_addr_q, s3_addr_q, s4_addr_q<% if nesterov %>, s5_addr_q<% endif %>;
<%- if nesterov %>

  // A word per cell: chi above gamma V.
<%- else if stochastic %>

  // A word per cell: V.
<%- else %>

  // A word per cell: chi above V.
<%- endif %>
  ${ name }$_vector_mem #(
      .WIDTH    (LANES * CELL),
      .DEPTH    (ROWS * Y_BEATS),
      .ADDR_BITS(ADDR_BITS)
  ) u_cells (
      .clk    (clk),
      .wr_en  (col_valid),
      .wr_addr(${ end }$_addr_q),
      .wr_data(cells_in),
      .rd_en  (fetch),
      .rd_addr(addr_q),
      .rd_data(cells_out)
  );

  // --- Pipeline: all stages move, or none ------------------------------------------------------------------------------
  reg [ROW_BITS-1:0]    s1_row_q, s2_row_q, s3_row_q, s4_row_q<% if nesterov %>, s5_row_q<% endif %>;
  reg [Y_BEAT_BITS-1:0] s1_beat_q, s2_beat_q, s3_beat_q, s4_beat_q<% if nesterov %>, s5_beat_q<% endif %>;
  reg [LANE_BITS-1:0]   s1_lane_q;

  always @(posedge clk) begin
    if (!rst_n) begin
      s1_valid_q <= 1'b0;
      s2_valid_q <= 1'b0;
      s3_valid_q <= 1'b0;
      s4_valid_q <= 1'b0;
<%- if nesterov %>
      s5_valid_q <= 1'b0;
<%- endif %>
    end else if (!hold) begin
      s1_valid_q <= running_q;
      s2_valid_q <= s1_valid_q;
      s3_valid_q <= s2_valid_q;
      s4_valid_q <= s3_valid_q;
<%- if nesterov %>
      s5_valid_q <= s4_valid_q;
<%- endif %>
    end
  end

  // x of the row: a word of its beat, or the bias.
  wire [DAC_BITS-1:0] x_word;
  generate
<%- let word = "x_word" %>
<%- let bits = "DAC_BITS" %>
<%- let words = "LANES" %>
<%- let vector = "x_out" %>
<%- let number = "s1_lane_q" %>
<% include "select.v" %>
  endgenerate
  wire [DAC_BITS-1:0] x_row = (s1_row_q == ROW_LAST[ROW_BITS-1:0]) ? FULL_SCALE : x_word;

  reg [SCALED-1:0]              s2_scaled_q;
  reg [LANES*ERROR_BITS-1:0]    s2_y_q;
  reg [LANES*CELL-1:0]          s2_cells_q;
  reg [LANES*GRADIENT-1:0]      s3_gradient_q;
<%- if nesterov %>
  reg [LANES*CELL-1:0]          s3_cells_q;
  reg [LANES*VELOCITY_BITS-1:0] s4_velocity_q;
  reg [LANES*VELOCITY_BITS-1:0] s4_step_q;
  reg [LANES*VELOCITY_BITS-1:0] s4_chi_q;
  reg [LANES*DECAYED-1:0]       s5_decayed_q;
  reg [LANES*VELOCITY_BITS-1:0] s5_step_q;
  reg [LANES*VELOCITY_BITS-1:0] s5_chi_q;
<%- else %>
  reg [LANES*DECAYED-1:0]       s3_decayed_q;
<%- if !stochastic %>
  reg [LANES*VELOCITY_BITS-1:0] s3_chi_q;
<%- endif %>
  reg [LANES*VELOCITY_BITS-1:0] s4_velocity_q;
<%- if !stochastic %>
  reg [LANES*VELOCITY_BITS-1:0] s4_chi_q;
<%- endif %>
<%- endif %>

  integer p;
  always @(posedge clk) begin
    if (!hold) begin
      s1_row_q    <= row_q;
      s1_beat_q   <= beat_q;
      s1_addr_q   <= addr_q;
      s1_lane_q   <= lane_q;
      s2_row_q    <= s1_row_q;
      s2_beat_q   <= s1_beat_q;
      s2_addr_q   <= s1_addr_q;
      s3_row_q    <= s2_row_q;
      s3_beat_q   <= s2_beat_q;
      s3_addr_q   <= s2_addr_q;
      s4_row_q    <= s3_row_q;
      s4_beat_q   <= s3_beat_q;
      s4_addr_q   <= s3_addr_q;
<%- if nesterov %>
      s5_row_q    <= s4_row_q;
      s5_beat_q   <= s4_beat_q;
      s5_addr_q   <= s4_addr_q;
<%- endif %>
      s2_scaled_q <= {{17{x_row[DAC_BITS-1]}}, x_row} * {{(DAC_BITS + 1) {1'b0}}, learning_rate};
      s2_y_q      <= y_out;
      s2_cells_q  <= fresh_q ? {LANES * CELL{1'b0}} : cells_out;
      for (p = 0; p < LANES; p = p + 1) begin
        s3_gradient_q[p*GRADIENT+:GRADIENT] <=
            {{ERROR_BITS{s2_scaled_q[SCALED-1]}}, s2_scaled_q} *
            {{SCALED{s2_y_q[p*ERROR_BITS+ERROR_BITS-1]}}, s2_y_q[p*ERROR_BITS+:ERROR_BITS]};
<%- if nesterov %>
        s4_step_q[p*VELOCITY_BITS+:VELOCITY_BITS] <= gradient_of(s3_gradient_q[p*GRADIENT+:GRADIENT]);
        s4_velocity_q[p*VELOCITY_BITS+:VELOCITY_BITS] <=
            total_of(s3_cells_q[p*CELL+:VELOCITY_BITS], gradient_of(s3_gradient_q[p*GRADIENT+:GRADIENT]));
        s4_chi_q[p*VELOCITY_BITS+:VELOCITY_BITS] <= s3_cells_q[p*CELL+VELOCITY_BITS+:VELOCITY_BITS];
        s5_decayed_q[p*DECAYED+:DECAYED] <=
            {{17{s4_velocity_q[p*VELOCITY_BITS+VELOCITY_BITS-1]}}, s4_velocity_q[p*VELOCITY_BITS+:VELOCITY_BITS]} *
<%- if batch > 1 %>
            {{VELOCITY_BITS{1'b0}}, batch_last ? {1'b0, momentum} : 17'h10000};
<%- else %>
            {{(VELOCITY_BITS + 1) {1'b0}}, momentum};
<%- endif %>
      end
      s3_cells_q <= s2_cells_q;
      s5_step_q  <= s4_step_q;
      s5_chi_q   <= s4_chi_q;
<%- else %>
        s3_decayed_q[p*DECAYED+:DECAYED] <=
            {{17{s2_cells_q[p*CELL+VELOCITY_BITS-1]}}, s2_cells_q[p*CELL+:VELOCITY_BITS]} *
<%- if batch > 1 %>
            {{VELOCITY_BITS{1'b0}}, batch_first ? {1'b0, momentum} : 17'h10000};
<%- else %>
            {{(VELOCITY_BITS + 1) {1'b0}}, momentum};
<%- endif %>
<%- if !stochastic %>
        s3_chi_q[p*VELOCITY_BITS+:VELOCITY_BITS] <= s2_cells_q[p*CELL+VELOCITY_BITS+:VELOCITY_BITS];
<%- endif %>
        s4_velocity_q[p*VELOCITY_BITS+:VELOCITY_BITS] <=
            velocity_of(s3_decayed_q[p*DECAYED+:DECAYED], s3_gradient_q[p*GRADIENT+:GRADIENT]);
      end
<%- if !stochastic %>
      s4_chi_q <= s3_chi_q;
<%- endif %>
<%- endif %>
    end
  end
<%- if stochastic %>

  // --- Pulses: whole steps, and the rest by chance ----------------------------------------------------------------------
<%- else %>

  // --- Residue: whole steps leave as pulses -----------------------------------------------------------------------------
<%- endif %>
  wire [LANES*PULSE_BITS-1:0] widths;
  generate
    genvar k;
    for (k = 0; k < LANES; k = k + 1) begin : gen_lane
<%- if nesterov %>
      wire [VELOCITY_BITS-1:0] velocity = decayed_of(s5_decayed_q[k*DECAYED+:DECAYED]);
<%- if batch > 1 %>
      wire [VELOCITY_BITS-1:0] step     = s5_step_q[k*VELOCITY_BITS+:VELOCITY_BITS];
      wire [VELOCITY_BITS-1:0] ahead    = batch_last ? total_of(velocity, step) : step;
<%- else %>
      wire [VELOCITY_BITS-1:0] ahead    = total_of(velocity, s5_step_q[k*VELOCITY_BITS+:VELOCITY_BITS]);
<%- endif %>
      wire [VELOCITY_BITS-1:0] total    = total_of(s5_chi_q[k*VELOCITY_BITS+:VELOCITY_BITS], ahead);
<%- else if stochastic %>
      wire [VELOCITY_BITS-1:0] velocity = s4_velocity_q[k*VELOCITY_BITS+:VELOCITY_BITS];
      reg  [31:0]              lfsr_q;
      wire [VELOCITY_BITS-1:0] draw     = {{(VELOCITY_BITS - DRAW_BITS) {1'b0}}, lfsr_q[31-:DRAW_BITS]};
      wire                     more     = draw < rest_of(velocity);
      wire [PULSE_BITS-1:0]    whole    = steps_of(velocity);
<%- if batch > 1 %>
      wire [PULSE_BITS-1:0]    steps    = batch_last ? stepped_of(whole, more) : {PULSE_BITS{1'b0}};
<%- else %>
      wire [PULSE_BITS-1:0]    steps    = stepped_of(whole, more);
<%- endif %>
      always @(posedge clk) begin
        if (!rst_n) lfsr_q <= seed_of(k);
        else if (col_valid) lfsr_q <= advanced_of(lfsr_q);
      end
      assign cells_in[k*CELL+:CELL]            = velocity;
      assign widths[k*PULSE_BITS+:PULSE_BITS]  = steps << COARSE;
      assign col_neg[k]                        = velocity[VELOCITY_BITS-1];
<%- else %>
      wire [VELOCITY_BITS-1:0] velocity = s4_velocity_q[k*VELOCITY_BITS+:VELOCITY_BITS];
<%- if batch > 1 %>
      wire [VELOCITY_BITS-1:0] chi      = s4_chi_q[k*VELOCITY_BITS+:VELOCITY_BITS];
      wire [VELOCITY_BITS-1:0] total    = batch_last ? total_of(chi, velocity) : chi;
<%- else %>
      wire [VELOCITY_BITS-1:0] total    = total_of(s4_chi_q[k*VELOCITY_BITS+:VELOCITY_BITS], velocity);
<%- endif %>
<%- endif %>
<%- if !stochastic %>
<%- if batch > 1 %>
      wire [PULSE_BITS-1:0]    steps    = batch_last ? steps_of(total) : {PULSE_BITS{1'b0}};
<%- else %>
      wire [PULSE_BITS-1:0]    steps    = steps_of(total);
<%- endif %>
      wire [VELOCITY_BITS-1:0] taken    = {{(VELOCITY_BITS - PULSE_BITS) {1'b0}}, steps} << STEP_SHIFT;
      wire [VELOCITY_BITS-1:0] left     = total[VELOCITY_BITS-1] ? total + taken : total - taken;
      assign cells_in[k*CELL+:CELL]            = {left, velocity};
      assign widths[k*PULSE_BITS+:PULSE_BITS]  = steps << COARSE;
      assign col_neg[k]                        = total[VELOCITY_BITS-1];
<%- endif %>
      if (MAG_BITS > PULSE_BITS) begin : gen_mag
        assign col_mag[k*MAG_BITS+:MAG_BITS] = {{(MAG_BITS - PULSE_BITS) {1'b0}}, widths[k*PULSE_BITS+:PULSE_BITS]};
      end else begin : gen_mag_exact
        assign col_mag[k*MAG_BITS+:MAG_BITS] = widths[k*PULSE_BITS+:PULSE_BITS];
      end
    end
  endgenerate

  reg  [PULSE_BITS-1:0] longest_q;
  reg  [ROW_BITS-1:0]   slot_row_q;
  wire [PULSE_BITS-1:0] longest = longest_of((${ end }$_beat_q == {Y_BEAT_BITS{1'b0}}) ? {PULSE_BITS{1'b0}} : longest_q, widths);
  wire done   = ${ end }$_valid_q && !hold && (${ end }$_beat_q == BEAT_LAST[Y_BEAT_BITS-1:0]);
  wire silent = longest == {PULSE_BITS{1'b0}};

  always @(posedge clk) begin
    if (!rst_n) slot_q <= 1'b0;
    else slot_q <= (done && !silent) || (slot_q && !slot_take);
  end
  always @(posedge clk) begin
    if (col_valid) longest_q <= longest;
    if (done) slot_row_q <= ${ end }$_row_q;
  end

  assign col_valid    = ${ end }$_valid_q && !hold;
  assign col_beat     = ${ end }$_beat_q;
  assign slot_req     = slot_q;
  assign slot_row     = slot_row_q;
  assign slot_longest = longest_q;
<%- if batch > 1 %>
  assign skipped      = done && silent && batch_last;
<%- else %>
  assign skipped      = done && silent;
<%- endif %>
  assign idle         = !running_q && !s1_valid_q && !s2_valid_q && !s3_valid_q && !s4_valid_q &&<% if nesterov %> !s5_valid_q &&<% endif %> !slot_q;
endmodule
`default_nettype wire
