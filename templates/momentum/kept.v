
  localparam USED = (COLS < LANES) ? COLS : LANES;  // lanes with a column

  // The memory keeps sign and magnitude, from the cycle after on: nothing is read so soon. Lanes beyond the layer's columns have none.
  reg                         y_kept_valid_q;
  reg  [LANES*ERROR_BITS-1:0] y_kept_q;
  wire                        unused_y = &{1'b0, y_data, y_kept_q};
  integer k;
  always @(posedge clk) begin
    y_kept_valid_q <= y_valid;
    y_kept_q       <= {LANES * ERROR_BITS{1'b0}};
    for (k = 0; k < USED; k = k + 1) begin
      y_kept_q[k*ERROR_BITS+:ERROR_BITS] <= {y_data[k*ERROR_BITS+ERROR_BITS-1], magnitude_of(y_data[k*ERROR_BITS+:ERROR_BITS])};
    end
  end
