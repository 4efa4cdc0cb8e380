  localparam [31:0] MOST = ((1 << PULSE_BITS) - 1) >> COARSE;
  localparam [HELD_BITS-1:0] MOST_STEPS = {{(HELD_BITS - PULSE_BITS) {1'b0}}, MOST[PULSE_BITS-1:0]};
  localparam [HELD_BITS-1:0] HELD_ONE   = 1;

  // Whole steps of the device in a residue of HELD_BITS bits, no more than the longest pulse has.
  function [PULSE_BITS-1:0] steps_of;
    input [HELD_BITS-1:0] total;
    reg   [HELD_BITS-1:0] steps;
    begin
      steps    = (total[HELD_BITS-1] ? ~total + HELD_ONE : total) >> STEP_SHIFT;
      steps_of = (steps > MOST_STEPS) ? MOST_STEPS[PULSE_BITS-1:0] : steps[PULSE_BITS-1:0];
    end
  endfunction

<% include "momentum/longest.v" %>
