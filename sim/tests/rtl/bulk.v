// A memory larger than the buffers of a snapshot.
module bulk (
  input  wire        clk,
  input  wire        write,
  input  wire [15:0] address,
  input  wire [63:0] data,
  output reg  [63:0] out
);
  reg [63:0] memory [0:65535];
  always @(posedge clk) begin
    if (write) memory[address] <= data;
    out <= memory[address];
  end
endmodule
