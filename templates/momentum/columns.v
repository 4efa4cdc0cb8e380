<%- if pulse_table %>
  // Codes become pulse widths on the way to the driver stages.
  wire [LANES*PULSE_BITS-1:0] width;
  generate
    genvar t;
    for (t = 0; t < LANES; t = t + 1) begin : gen_table
      ${ name }$_pulse_table #(
          .TABLE(TABLE)
      ) u_table (
          .code (width_q[t*PULSE_BITS+:PULSE_BITS]),
          .width(width[t*PULSE_BITS+:PULSE_BITS])
      );
    end
  endgenerate

  ${ name }$_pulse_table #(
      .TABLE(TABLE)
  ) u_longest (
      .code (fetch_longest_q),
      .width(slot_longest)
  );

<%- endif %>
  generate
    if (MAG_BITS > PULSE_BITS) begin : gen_mag
      genvar m;
      for (m = 0; m < LANES; m = m + 1) begin : gen_lane
        assign col_mag[m*MAG_BITS+:MAG_BITS] = {{(MAG_BITS - PULSE_BITS) {1'b0}}, ${ width }$[m*PULSE_BITS+:PULSE_BITS]};
      end
    end else begin : gen_mag_exact
      assign col_mag = ${ width }$;
    end
  endgenerate
