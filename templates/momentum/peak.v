
  // --- Peak: largest |y| of the current sample ------------------------------------------------------------------------
  reg [MAGNITUDE-1:0] peak_q;
<%- let largest = "peak_of" %>
<%- let bits = "MAGNITUDE" %>
<% include "momentum/largest.v" %>

  function [LANES*MAGNITUDE-1:0] magnitudes_of;
    input [LANES*ERROR_BITS-1:0] values;
    integer m;
    for (m = 0; m < LANES; m = m + 1) magnitudes_of[m*MAGNITUDE+:MAGNITUDE] = magnitude_of(values[m*ERROR_BITS+:ERROR_BITS]);
  endfunction

  always @(posedge clk) begin
    if (y_valid) peak_q <= peak_of((y_beat == {Y_BEAT_BITS{1'b0}}) ? {MAGNITUDE{1'b0}} : peak_q, magnitudes_of(y_data));
  end
