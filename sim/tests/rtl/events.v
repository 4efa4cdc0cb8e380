// Ends itself in every way a model can.
module events (
  input  wire       clk,
  input  wire [2:0] what,
  output reg  [7:0] count
);
  integer level;
  initial begin
    count = 8'd0;
    if ($value$plusargs("level=%d", level)) $display("level %0d", level);
  end
  always @(posedge clk) begin
    count <= count + 8'd1;
    case (what)
      3'd1: $display("count is %0d", count);
      3'd2: $finish;
      3'd3: $stop;
      3'd4: $fatal(1, "count %0d is bad", count);
      3'd5: $error("count %0d is odd", count);
      default: ;
    endcase
    must_not_be_six: assert (what != 3'd6);
  end
  final $display("at the end count is %0d", count);
endmodule
