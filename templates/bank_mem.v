`default_nettype none
// Vector memory in two banks of single-port memory, words at even addresses in one, at odd ones in the other; maps to large RAM blocks.
// A write and a read of one cycle go to different banks; where they do not, the write comes first and `rd_data` means nothing.
// Ports and latency are those of the vector memory: `rd_data` is valid one cycle after `rd_en` and holds until the next read.
module ${ name }$_bank_mem #(
    parameter WIDTH     = 16,  // bits of a word
    parameter DEPTH     = 64,  // words
    parameter ADDR_BITS = 6    // bits of an address
) (
    input  wire                 clk,
    input  wire                 wr_en,    // write wr_data to wr_addr
    input  wire [ADDR_BITS-1:0] wr_addr,
    input  wire [WIDTH-1:0]     wr_data,
    input  wire                 rd_en,    // read rd_addr
    input  wire [ADDR_BITS-1:0] rd_addr,
    output wire [WIDTH-1:0]     rd_data
);
  localparam WORDS = (DEPTH + 1) / 2;  // of a bank
  // Addresses of one bit leave none for the word: there is one in each bank.
  localparam PLACE_BITS = (ADDR_BITS > 1) ? ADDR_BITS - 1 : 1;
  wire [ADDR_BITS:0] wr_wide = {1'b0, wr_addr};
  wire [ADDR_BITS:0] rd_wide = {1'b0, rd_addr};
  wire unused_wide = &{1'b0, wr_wide, rd_wide};

  reg side_q;  // the bank that was read
  always @(posedge clk) if (rd_en) side_q <= rd_addr[0];

  wire [2*WIDTH-1:0] data;
  genvar b;
  generate
    for (b = 0; b < 2; b = b + 1) begin : gen_bank
      localparam SIDE = b;
      wire                  write = wr_en && (wr_addr[0] == SIDE[0]);
      wire [PLACE_BITS-1:0] place = write ? wr_wide[PLACE_BITS:1] : rd_wide[PLACE_BITS:1];
      (* ram_style = "huge" *)
      reg [WIDTH-1:0] mem[0:WORDS-1];
      reg [WIDTH-1:0] data_q;
      always @(posedge clk) begin
        if (write) mem[place] <= wr_data;
        else if (rd_en) data_q <= mem[place];
      end
      assign data[b*WIDTH+:WIDTH] = data_q;
    end
  endgenerate

  assign rd_data = data[(side_q ? WIDTH : 0)+:WIDTH];
endmodule
`default_nettype wire
