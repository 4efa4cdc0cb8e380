`default_nettype none
// Vector memory: one write port, one read port, synchronous read; maps to block RAM.
// Nobody uses a word that is read in the cycle in which it is written, so synthesis need not care what it is (`no_rw_check`).
// Latency: `rd_data` is valid one cycle after `rd_en` and holds until the next read.
module ${ name }$_vector_mem #(
    parameter WIDTH     = 64,  // bits of a word
    parameter DEPTH     = 64,  // words
    parameter ADDR_BITS = 6    // bits of an address
) (
    input  wire                 clk,
    input  wire                 wr_en,    // write wr_data to wr_addr
    input  wire [ADDR_BITS-1:0] wr_addr,
    input  wire [WIDTH-1:0]     wr_data,
    input  wire                 rd_en,    // read rd_addr
    input  wire [ADDR_BITS-1:0] rd_addr,
    output reg  [WIDTH-1:0]     rd_data
);
  (* no_rw_check *)
  reg [WIDTH-1:0] mem[0:DEPTH-1];

  always @(posedge clk) begin
    if (wr_en) mem[wr_addr] <= wr_data;
    if (rd_en) rd_data <= mem[rd_addr];
  end
endmodule
`default_nettype wire
