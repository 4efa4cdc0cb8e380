// Clocks that are seen in other ways than by their rising edge.
module edges (
  input  wire       rise,     // rising edge only
  input  wire       rise_arst,  // rising edge, with an asynchronous reset
  input  wire       arst_n,
  input  wire       both,     // both edges
  input  wire       gated,    // behind a gate
  input  wire       data,     // rising edge, and as data
  input  wire       enable,
  input  wire [7:0] in,
  output reg  [7:0] rises,
  output reg  [7:0] resets,
  output reg  [7:0] both_rises,
  output reg  [7:0] falls,
  output reg  [7:0] gates,
  output reg  [7:0] datas,
  output wire       shown,
  output wire [7:0] comb
);
  wire gate = gated & enable;
  assign shown = data ^ enable;
  assign comb  = in + rises;
  initial begin
    rises = 8'd0;
    resets = 8'd0;
    both_rises = 8'd0;
    falls = 8'd0;
    gates = 8'd0;
    datas = 8'd0;
  end
  always @(posedge rise) rises <= rises + in;
  always @(posedge rise_arst or negedge arst_n)
    if (!arst_n) resets <= 8'd0;
    else resets <= resets + 8'd1;
  always @(posedge both) both_rises <= both_rises + 8'd1;
  always @(negedge both) falls <= falls + 8'd1;
  always @(posedge gate) gates <= gates + 8'd1;
  always @(posedge data) datas <= datas + 8'd1;
endmodule
