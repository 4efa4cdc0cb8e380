`default_nettype none
// Momentum unit `in_array`: the velocity V lies in a second device of each synapse. A training step is three operations of the
// array, whatever the past: V decays to gamma V, the pair (x, y) of the sample is written to V, W takes V. A pair whose widths all
// round to zero is not written. <% if conv %>The row stage holds the window.<% else %>The rows still hold x from the forward read.<% endif %>
<%- if nesterov %>
//
// Nesterov's look ahead: the pair is written to V and to W, then V decays and W takes it. A clear brings a decay to nothing before the
// next step's write; so does a reset.
// Latency: from the last y beat to `slot_req` 6 cycles and one per y beat; one cycle for a decay to nothing.
<%- else %>
//
// The decay needs nothing but the array, so it runs while y is fetched. A clear makes the next decay a whole one; so does a reset.
// Latency: from the last y beat to `slot_req` one cycle; the write may follow 6 cycles and one per y beat after it.
<%- endif %>
module ${ name }$_${ prefix }$momentum_in_array #(
    parameter Y_BEATS      = 4,   // beats of y
    parameter Y_BEAT_BITS  = 2,   // bits of a y beat number
    parameter LANES        = 8,   // words per beat
    parameter ERROR_BITS   = 12,  // bits of a word of y
    parameter PULSE_BITS   = 8,   // bits of a pulse width
    parameter MAG_BITS     = 8,   // bits of a column magnitude, at least PULSE_BITS
    parameter WIDTH_SHIFT  = 14   // |y| * eta is divided by 2^WIDTH_SHIFT, rounded
) (
    input  wire                          clk,
    input  wire                          rst_n,
    input  wire [15:0]                   learning_rate,  // eta, 14 fraction bits
    input  wire [15:0]                   momentum,       // gamma, 16 fraction bits
    input  wire                          clear_history,  // forget the velocity: the next step begins from none
<%- if batch > 1 %>
    input  wire                          batch_first,    // the sample is the first of its batch: V decays
    input  wire                          batch_last,     // it is the last: W takes V
<%- endif %>
    input  wire                          y_valid,        // y of the sample passes by
    input  wire [Y_BEAT_BITS-1:0]        y_beat,
    input  wire                          y_last,
    input  wire [LANES*ERROR_BITS-1:0]   y_data,
    input  wire                          stage_busy,     // the column stage waits for a transposed read
    output wire                          col_valid,      // pulse-width beat for the column stage
    output wire [Y_BEAT_BITS-1:0]        col_beat,
    output wire [LANES*MAG_BITS-1:0]     col_mag,
    output wire [LANES-1:0]              col_neg,
    output wire                          slot_req,       // an operation waits; a write is in the stages
<%- if nesterov %>
    output wire [2:0]                    slot_kind,      // which: 2 write to W, 5 decay, 6 write to V, 7 transfer
<%- else %>
    output wire [2:0]                    slot_kind,      // which: 5 decay, 6 write to V, 7 transfer
<%- endif %>
    output wire [PULSE_BITS-1:0]         slot_longest,   // longest pulse of a write
    input  wire                          slot_take,      // the operation starts
    output wire [15:0]                   gamma,          // for the array: what a decay leaves of V, 16 fraction bits
    output wire                          skipped,        // a pair without a pulse was passed over
    output wire                          idle            // nothing left to do for the step
);
<% include "momentum/widths.v" %>
<% include "momentum/peak.v" %>
<%- if nesterov %>

  // --- Sequence: write to V, the same to W, decay, transfer -------------------------------------------------------------
  localparam [2:0] STEP_NONE     = 3'd0;
  localparam [2:0] STEP_EMPTY    = 3'd1;  // what V held is forgotten
  localparam [2:0] STEP_WRITE    = 3'd2;
  localparam [2:0] STEP_WEIGHTS  = 3'd3;
  localparam [2:0] STEP_DECAY    = 3'd4;
  localparam [2:0] STEP_TRANSFER = 3'd5;
  localparam [2:0] KIND_WEIGHTS  = 3'd2;
  localparam [2:0] KIND_DECAY    = 3'd5;
  localparam [2:0] KIND_WRITE    = 3'd6;
  localparam [2:0] KIND_TRANSFER = 3'd7;

  reg [2:0] step_q, step_d;
  reg       silent_q;  // the step's pair gives no pulse
  reg       clear_q;   // the next step begins from no velocity
  wire      staged;
  wire      pair_take = slot_take && (step_q == STEP_WEIGHTS);

  always @* begin
    step_d = step_q;
    case (step_q)
      STEP_NONE:     if (y_valid && y_last) step_d = clear_q ? STEP_EMPTY : STEP_WRITE;
      STEP_EMPTY:    if (slot_take) step_d = STEP_WRITE;
      STEP_WRITE:    if (slot_take) step_d = STEP_WEIGHTS;
                     else if (silent_q) step_d = STEP_DECAY;
      STEP_WEIGHTS:  if (slot_take) step_d = STEP_DECAY;
      STEP_DECAY:    if (slot_take) step_d = STEP_TRANSFER;
      STEP_TRANSFER: if (slot_take) step_d = STEP_NONE;
      default:       step_d = STEP_NONE;
    endcase
  end

  always @(posedge clk) begin
    if (!rst_n) begin
      step_q  <= STEP_NONE;
      clear_q <= 1'b1;
    end else begin
      step_q  <= step_d;
      clear_q <= clear_history || (clear_q && !(slot_take && (step_q == STEP_EMPTY)));
    end
  end

  // gamma must stand still while the decay runs.
  reg [15:0] gamma_q;
  always @(posedge clk) begin
    if (y_valid && y_last) silent_q <= 1'b0;
    else if (skipped) silent_q <= 1'b1;
    if (slot_take && (step_q == STEP_EMPTY)) gamma_q <= 16'd0;
    else if (slot_take && (step_q == STEP_DECAY)) gamma_q <= momentum;
  end
<%- else %>

  // --- Sequence: decay, write, transfer ---------------------------------------------------------------------------------
  localparam [1:0] STEP_NONE     = 2'd0;
  localparam [1:0] STEP_DECAY    = 2'd1;
  localparam [1:0] STEP_WRITE    = 2'd2;
  localparam [1:0] STEP_TRANSFER = 2'd3;
  localparam [2:0] KIND_DECAY    = 3'd5;
  localparam [2:0] KIND_WRITE    = 3'd6;
  localparam [2:0] KIND_TRANSFER = 3'd7;

  reg [1:0] step_q, step_d;
  reg       silent_q;  // the step's pair gives no pulse
  reg       clear_q;   // the next decay leaves nothing
  wire      staged;
  wire      pair_take = slot_take && (step_q == STEP_WRITE);

  always @* begin
    step_d = step_q;
    case (step_q)
<%- if batch > 1 %>
      STEP_NONE:     if (y_valid && y_last) step_d = batch_first ? STEP_DECAY : STEP_WRITE;
      STEP_DECAY:    if (slot_take) step_d = STEP_WRITE;
      STEP_WRITE:    if (slot_take || silent_q) step_d = batch_last ? STEP_TRANSFER : STEP_NONE;
<%- else %>
      STEP_NONE:     if (y_valid && y_last) step_d = STEP_DECAY;
      STEP_DECAY:    if (slot_take) step_d = STEP_WRITE;
      STEP_WRITE:    if (slot_take || silent_q) step_d = STEP_TRANSFER;
<%- endif %>
      STEP_TRANSFER: if (slot_take) step_d = STEP_NONE;
    endcase
  end

  always @(posedge clk) begin
    if (!rst_n) begin
      step_q  <= STEP_NONE;
      clear_q <= 1'b1;
    end else begin
      step_q  <= step_d;
      clear_q <= clear_history || (clear_q && !(slot_take && (step_q == STEP_DECAY)));
    end
  end

  // gamma must stand still while the decay runs.
  reg [15:0] gamma_q;
  always @(posedge clk) begin
    if (y_valid && y_last) silent_q <= 1'b0;
    else if (skipped) silent_q <= 1'b1;
    if (slot_take && (step_q == STEP_DECAY)) gamma_q <= clear_q ? 16'd0 : momentum;
  end
<%- endif %>

<% include "momentum/single.v" %>

  assign col_valid    = width_valid_q;
  assign col_beat     = width_beat_q;
  assign col_neg      = neg_q;
  assign staged       = fetch_q == FETCH_STAGED;
<%- if nesterov %>
  assign slot_req     = (step_q != STEP_NONE) && ((step_q != STEP_WRITE) || staged);
  assign slot_kind    = (step_q == STEP_WRITE) ? KIND_WRITE : (step_q == STEP_WEIGHTS) ? KIND_WEIGHTS :
                        (step_q == STEP_TRANSFER) ? KIND_TRANSFER : KIND_DECAY;
<%- else %>
  assign slot_req     = (step_q == STEP_DECAY) || ((step_q == STEP_WRITE) && staged) || (step_q == STEP_TRANSFER);
  assign slot_kind    = (step_q == STEP_DECAY) ? KIND_DECAY : (step_q == STEP_WRITE) ? KIND_WRITE : KIND_TRANSFER;
<%- endif %>
  assign slot_longest = fetch_longest_q;
  assign gamma        = gamma_q;
  assign skipped      = (sel_q == SEL_WIDTH) && silent;
  assign idle         = (step_q == STEP_NONE) && (sel_q == SEL_IDLE);
endmodule
`default_nettype wire
