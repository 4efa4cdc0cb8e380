// Ports of every storage size.
module wide (
  input  wire         clk,
  input  wire [6:0]   a7,
  input  wire [15:0]  a16,
  input  wire [31:0]  a32,
  input  wire [63:0]  a64,
  input  wire [64:0]  a65,
  input  wire [199:0] a200,
  input  wire [7:0]   two__under,
  output reg  [6:0]   q7,
  output reg  [15:0]  q16,
  output reg  [31:0]  q32,
  output reg  [63:0]  q64,
  output reg  [64:0]  q65,
  output reg  [199:0] q200,
  output wire [7:0]   comb
);
  assign comb = ~two__under;
  always @(posedge clk) begin
    q7   <= a7;
    q16  <= a16;
    q32  <= a32;
    q64  <= a64;
    q65  <= a65;
    q200 <= {a200[99:0], a200[199:100]};
  end
endmodule
