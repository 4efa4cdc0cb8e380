// A clock of its own, made with delays.
`timescale 1ps / 1ps
module delays (
  input  wire       clk,
  output reg        own,
  output reg  [7:0] count
);
  initial begin
    own   = 1'b0;
    count = 8'd0;
  end
  always #5 own = ~own;
  always @(posedge own) count <= count + 8'd1;
endmodule
