// UART transmitter: 8 data bits, lowest first, no parity, one stop bit.
//
// Bits begin at ticks that come all the time, whether a byte is sent or not: whoever counts them measures time.

`default_nettype none

module ${ name }$_link_tx #(
  parameter BIT_CYCLES = 104  // clock cycles of a bit, at least 4
) (
  input  wire       clk,         // rising edge
  input  wire       rst_n,       // synchronous, active low

  output reg        uart_tx,     // the line; high when idle
  output wire       tick,        // pulse: a bit's time has passed

  input  wire       valid,       // a byte is to be sent
  output wire       ready,       // it is taken at this edge
  input  wire [7:0] data,        // the byte
  input  wire       serial,      // its bits come from serial_bit instead, until ready
  input  wire       serial_bit,

  output wire       bit_strobe,  // pulse: bit_value is the next data bit that goes out
  output wire       bit_value
);

  localparam                  COUNT_BITS = $clog2(BIT_CYCLES);
  localparam                  WHOLE_LAST = BIT_CYCLES - 1;
  localparam [COUNT_BITS-1:0] WHOLE      = WHOLE_LAST[COUNT_BITS-1:0];

  // Bits of a byte: 7 start, 8 to 15 data, then 0 stop
  localparam [3:0] START = 4'd7;
  localparam [3:0] STOP  = 4'd0;

  reg                  busy_q;   // a byte is on its way
  reg [3:0]            bit_q;    // the bit that the next tick puts on the line
  reg [7:0]            shift_q;  // data bits to come, then stop bits
  reg [COUNT_BITS-1:0] count_q;

  assign tick       = count_q == {COUNT_BITS{1'b0}};
  assign ready      = !busy_q;
  assign bit_strobe = tick && busy_q && bit_q[3];
  assign bit_value  = serial ? serial_bit : shift_q[0];

  always @(posedge clk) begin
    if (!rst_n) begin
      count_q <= {COUNT_BITS{1'b0}};
      busy_q  <= 1'b0;
      uart_tx <= 1'b1;
    end else begin
      count_q <= tick ? WHOLE : count_q - 1'b1;
      if (!busy_q)                    busy_q <= valid;
      else if (tick && bit_q == STOP) busy_q <= 1'b0;
      if (tick && busy_q) uart_tx <= bit_q[3] ? bit_value : bit_q == STOP;
    end
  end

  always @(posedge clk) begin
    if (!busy_q) begin
      bit_q   <= START;
      shift_q <= data;
    end else if (tick) begin
      bit_q <= bit_q + 4'd1;
      if (bit_q[3]) shift_q <= {1'b0, shift_q[7:1]};
    end
  end

endmodule

`default_nettype wire
