// Registers without reset: what they hold at the start is all there is to see.
module powerup (
  input  wire         clk,
  input  wire         load,
  output wire [99:0]  value,
  output reg  [31:0]  drawn
);
  reg [99:0] value_q;
  assign value = value_q;
  always @(posedge clk) begin
    if (load) value_q <= 100'd0;
    drawn <= $urandom;
  end
endmodule
