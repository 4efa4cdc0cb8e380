// Synchronous first-word-fall-through FIFO.
// Protocol: a word enters in a cycle with push and not full, and leaves in a cycle with pop and not empty; pop_data is the oldest
// word whenever empty is low. Latency from push to pop_data: 1 cycle.
`default_nettype none
module fifo #(
  parameter WIDTH = 8,  // bits per word
  parameter DEPTH = 16  // words, a power of two
) (
  input  wire                     clk,
  input  wire                     rst,        // synchronous, active high
  input  wire                     push,       // write push_data; ignored while full
  input  wire [WIDTH-1:0]         push_data,  // valid with push
  input  wire                     pop,        // drop the oldest word; ignored while empty
  output wire [WIDTH-1:0]         pop_data,   // oldest word, valid while empty is low
  output wire [$clog2(DEPTH+1)-1:0] count,    // words held
  output wire                     full,       // no room
  output wire                     empty       // nothing to pop
);
  localparam AW = $clog2(DEPTH);

  reg [WIDTH-1:0] memory [0:DEPTH-1];
  // One bit more than an address: equal pointers mean empty, pointers a whole turn apart mean full.
  reg [AW:0] write_q;
  reg [AW:0] read_q;

  wire do_push = push && !full;
  wire do_pop  = pop && !empty;

  assign count    = write_q - read_q;
  assign empty    = write_q == read_q;
  assign full     = (write_q ^ read_q) == {1'b1, {AW{1'b0}}};
  assign pop_data = memory[read_q[AW-1:0]];

  always @(posedge clk) begin
    if (do_push) memory[write_q[AW-1:0]] <= push_data;
  end

  always @(posedge clk) begin
    if (rst) begin
      write_q <= {(AW+1){1'b0}};
      read_q  <= {(AW+1){1'b0}};
    end else begin
      if (do_push) write_q <= write_q + 1'b1;
      if (do_pop)  read_q  <= read_q + 1'b1;
    end
  end
endmodule
`default_nettype wire
