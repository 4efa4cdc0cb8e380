  localparam MAGNITUDE = ERROR_BITS - 1;
  localparam PRODUCT   = MAGNITUDE + 16;
  localparam ROUNDED   = PRODUCT + 1;
  localparam [31:0]        Y_LAST = Y_BEATS - 1;
  localparam [ROUNDED-1:0] ONE    = 1;
  localparam [MAGNITUDE-1:0] MAGNITUDE_ONE = 1;
  localparam [ROUNDED-1:0] HALF   = (WIDTH_SHIFT == 0) ? {ROUNDED{1'b0}} : (ONE << WIDTH_SHIFT) >> 1;
  localparam [ROUNDED-1:0] LONGEST = (ONE << PULSE_BITS) - ONE;

<%- if pulse_table %>
  localparam [31:0]           QUIET_WORD = QUIET;
  localparam [PULSE_BITS-1:0] QUIET_CODE = QUIET_WORD[PULSE_BITS-1:0];
<%- endif %>

<%- if pulse_table %>

  // Code of the wanted weight change of a product |y| * factor: rounded, saturated. The table makes pulse widths of it.
<%- else %>

  // Pulse width of a product |y| * factor: rounded, saturated at the longest pulse.
<%- endif %>
  function [PULSE_BITS-1:0] width_of;
    input [PRODUCT-1:0] product;
    reg   [ROUNDED-1:0] rounded;
    begin
      rounded  = ({1'b0, product} + HALF) >> WIDTH_SHIFT;
      width_of = (rounded > LONGEST) ? LONGEST[PULSE_BITS-1:0] : rounded[PULSE_BITS-1:0];
    end
  endfunction

  function [MAGNITUDE-1:0] magnitude_of;
    input [ERROR_BITS-1:0] value;
    // y saturates symmetrically, so the magnitude always fits.
    magnitude_of = value[ERROR_BITS-1] ? ~value[MAGNITUDE-1:0] + MAGNITUDE_ONE : value[MAGNITUDE-1:0];
  endfunction
