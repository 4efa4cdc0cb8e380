// Parametrised modules two levels deep, with internal state worth looking at.
module nest_leaf #(parameter W = 12, parameter [7:0] STEP = 1) (
  input  wire         clk,
  input  wire         rst,
  input  wire [W-1:0] add,
  output wire [W-1:0] sum
);
  reg [W-1:0] total_q;
  reg [7:0]   log_mem [0:3];
  reg [1:0]   slot_q;
  assign sum = total_q;
  always @(posedge clk) begin
    if (rst) begin
      total_q <= {W{1'b0}};
      slot_q  <= 2'd0;
    end else begin
      total_q <= total_q + add * {{(W-8){1'b0}}, STEP};
      slot_q  <= slot_q + 2'd1;
    end
  end
  always @(posedge clk) if (!rst) log_mem[slot_q] <= {4'd1, add[3:0]};
endmodule

module nest_mid #(parameter W = 12, parameter N = 2) (
  input  wire         clk,
  input  wire         rst,
  input  wire [W-1:0] add,
  output wire [W-1:0] sum
);
  wire [W-1:0] sums [0:N-1];
  genvar i;
  generate
    for (i = 0; i < N; i = i + 1) begin : g
      nest_leaf #(.W(W), .STEP(i[7:0] + 8'd1)) u_leaf (.clk(clk), .rst(rst), .add(add), .sum(sums[i]));
    end
  endgenerate
  assign sum = sums[0] ^ sums[N-1];
endmodule

module nest (
  input  wire        clk,
  input  wire        rst,
  input  wire [3:0]  add,
  output wire [11:0] narrow,
  output wire [99:0] wide
);
  nest_mid #(.W(12), .N(3)) u_narrow (.clk(clk), .rst(rst), .add({8'd0, add}), .sum(narrow));
  nest_mid #(.W(100)) u_wide (.clk(clk), .rst(rst), .add({96'd0, add}), .sum(wide));
endmodule
