  // Longest of the pulses of a beat and of those before it.
  function [PULSE_BITS-1:0] longest_of;
    input [PULSE_BITS-1:0]       least;
    input [LANES*PULSE_BITS-1:0] all;
    integer p;
    begin
      longest_of = least;
      for (p = 0; p < LANES; p = p + 1) if (all[p*PULSE_BITS+:PULSE_BITS] > longest_of) longest_of = all[p*PULSE_BITS+:PULSE_BITS];
    end
  endfunction
