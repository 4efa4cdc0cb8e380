
  // --- Peak: largest |y| of the current sample ------------------------------------------------------------------------
  reg [MAGNITUDE-1:0] peak_q;
  function [MAGNITUDE-1:0] peak_of;
    input [MAGNITUDE-1:0]        least;
    input [LANES*ERROR_BITS-1:0] values;
    integer p;
    begin
      peak_of = least;
      for (p = 0; p < LANES; p = p + 1) begin
        if (magnitude_of(values[p*ERROR_BITS+:ERROR_BITS]) > peak_of) peak_of = magnitude_of(values[p*ERROR_BITS+:ERROR_BITS]);
      end
    end
  endfunction

  always @(posedge clk) begin
    if (y_valid) peak_q <= peak_of((y_beat == {Y_BEAT_BITS{1'b0}}) ? {MAGNITUDE{1'b0}} : peak_q, y_data);
  end
