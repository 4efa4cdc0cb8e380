`default_nettype none
// Momentum unit `none`: plain SGD. One rank-1 write per training step with pulse widths scaled by eta; none when all widths
// round to zero. <% if conv %>The row stage holds the window.<% else %>The rows still hold x from the forward read.<% endif %>
// Latency: from the last y beat to `slot_req` <% if deep %>9 cycles, log2(LANES)<% else %>6 cycles<% endif %> and one per y beat.
module ${ name }$_${ prefix }$momentum_none #(
    parameter Y_BEATS      = 4,   // beats of y
    parameter Y_BEAT_BITS  = 2,   // bits of a y beat number
    parameter LANES        = 8,   // words per beat
<%- if deep %>
    parameter COLS         = 32,  // words of y
<%- endif %>
    parameter ERROR_BITS   = 12,  // bits of a word of y
    parameter PULSE_BITS   = 8,   // bits of a pulse width
    parameter MAG_BITS     = 8,   // bits of a column magnitude, at least PULSE_BITS
<%- if pulse_table %>
    parameter TABLE        = 0,   // number of the pulse table
    parameter QUIET        = 0,   // largest code without a pulse
<%- endif %>
    parameter WIDTH_SHIFT  = 14   // |y| * eta gamma^j is divided by 2^WIDTH_SHIFT, rounded
) (
    input  wire                          clk,
    input  wire                          rst_n,
    input  wire [15:0]                   learning_rate,  // eta, 14 fraction bits
    input  wire                          y_valid,        // y of the sample passes by
    input  wire [Y_BEAT_BITS-1:0]        y_beat,
    input  wire                          y_last,
    input  wire [LANES*ERROR_BITS-1:0]   y_data,
    input  wire                          stage_busy,     // the column stage waits for a transposed read
    output wire                          col_valid,      // pulse-width beat for the column stage
    output wire [Y_BEAT_BITS-1:0]        col_beat,
    output wire [LANES*MAG_BITS-1:0]     col_mag,
    output wire [LANES-1:0]              col_neg,
    output wire                          slot_req,       // the stages hold a slot
    output wire [PULSE_BITS-1:0]         slot_longest,   // its longest pulse
    input  wire                          slot_take,      // the slot starts
    output wire                          skipped,        // a pair without a pulse was passed over
    output wire                          idle            // nothing left to fetch; the row stage is free
);
<% include "momentum/widths.v" %>
<%- if deep %>
<% include "momentum/kept.v" %>
<% include "momentum/peak_tree.v" %>
  reg y_found_q;  // the largest |y| is in its register in the next cycle
  always @(posedge clk) begin
    if (!rst_n) y_found_q <= 1'b0;
    else y_found_q <= y_done;
  end
<%- else %>
<% include "momentum/peak.v" %>
<%- endif %>

  wire pair_take = slot_take;

<% include "momentum/single.v" %>

  assign col_valid    = width_valid_q;
  assign col_beat     = width_beat_q;
  assign col_neg      = neg_q;
  assign slot_req     = fetch_q == FETCH_STAGED;
<%- if !pulse_table %>
  assign slot_longest = fetch_longest_q;
<%- endif %>
  assign skipped      = (sel_q == SEL_WIDTH) && silent;
  assign idle         = (sel_q == SEL_IDLE) && (fetch_q == FETCH_IDLE)<% if deep %> && !y_below && !y_found_q<% endif %>;
endmodule
`default_nettype wire
