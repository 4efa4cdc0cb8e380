// UART receiver: 8 data bits, lowest first, no parity, one stop bit.
//
// A byte is handed on in the middle of its stop bit. A stop bit that is low, as in a line break, is an error; a start bit that
// is gone before its middle is forgotten.

`default_nettype none

module ${ name }$_link_rx #(
  parameter BIT_CYCLES = 104  // clock cycles of a bit, at least 4
) (
  input  wire       clk,         // rising edge
  input  wire       rst_n,       // synchronous, active low

  input  wire       uart_rx,     // the line, of any clock; high when idle

  output wire       bit_strobe,  // pulse: bit_value is the next data bit
  output wire       bit_value,
  output reg        valid,       // pulse: data is a byte
  output reg        error,       // pulse: the stop bit was low
  output reg  [7:0] data         // with valid; stays until the next byte begins
);

  localparam                 COUNT_BITS = $clog2(BIT_CYCLES);
  localparam                 WHOLE_LAST = BIT_CYCLES - 1;
  localparam                 HALF_LAST  = BIT_CYCLES / 2 - 1;
  localparam [COUNT_BITS-1:0] WHOLE     = WHOLE_LAST[COUNT_BITS-1:0];
  localparam [COUNT_BITS-1:0] HALF      = HALF_LAST[COUNT_BITS-1:0];

  // Bits of a byte: 7 start, 8 to 15 data, then 0 stop
  localparam [3:0] START = 4'd7;
  localparam [3:0] STOP  = 4'd0;

  reg                  meta_q, line_q;  // the line, brought to this clock
  reg                  busy_q;          // a byte is being received
  reg [3:0]            bit_q;           // which bit of it
  reg [COUNT_BITS-1:0] count_q;         // cycles until the middle of the bit

  wire middle = busy_q && count_q == {COUNT_BITS{1'b0}};

  assign bit_strobe = middle && bit_q[3];
  assign bit_value  = line_q;

  always @(posedge clk) begin
    meta_q <= uart_rx;
    line_q <= meta_q;
  end

  always @(posedge clk) begin
    if (!rst_n) begin
      busy_q <= 1'b0;
      valid  <= 1'b0;
      error  <= 1'b0;
    end else begin
      if (!busy_q)                                                        busy_q <= !line_q;
      else if (middle && (bit_q == STOP || (bit_q == START && line_q))) busy_q <= 1'b0;
      valid <= middle && bit_q == STOP && line_q;
      error <= middle && bit_q == STOP && !line_q;
    end
  end

  always @(posedge clk) begin
    if (!busy_q)     bit_q <= START;
    else if (middle) bit_q <= bit_q + 4'd1;

    if (!busy_q)     count_q <= HALF;
    else if (middle) count_q <= WHOLE;
    else             count_q <= count_q - 1'b1;

    if (bit_strobe) data <= {line_q, data[7:1]};
  end

endmodule

`default_nettype wire
