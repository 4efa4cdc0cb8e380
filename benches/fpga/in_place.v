`default_nettype none
// What the unit `history` would need to multiply its stored y by gamma in every sample, instead of scaling pulses when they are issued: a walk over the
// ring, rounding, and the way back into the memory. The multipliers are those of the pulses, which rest meanwhile: they are not part of it, what selects their
// operands is. It is not part of any design; `make bench-fpga ARGS=scaling` counts its cells.
module in_place_scaler #(
    parameter LANES     = 8,   // words of y per beat
    parameter Y_BITS    = 12,  // bits of a stored y, sign and magnitude
    parameter GUARD     = 4,   // bits kept below
    parameter WORDS     = 32,  // beats of the ring
    parameter ADDR_BITS = 5    // bits of their number
) (
    input  wire                              clk,
    input  wire                              rst_n,
    input  wire                              start,
    output reg                               busy,
    input  wire [15:0]                       momentum,  // gamma, 16 fraction bits
    // Fetcher and store of the unit.
    input  wire [ADDR_BITS-1:0]              fetch_addr,
    input  wire [LANES*(Y_BITS+GUARD-1)-1:0] fetch_magnitude,
    input  wire [15:0]                       fetch_factor,
    input  wire                              store_en,
    input  wire [ADDR_BITS-1:0]              store_addr,
    input  wire [LANES*(Y_BITS+GUARD)-1:0]   store_data,
    // Ring.
    output wire [ADDR_BITS-1:0]              rd_addr,
    input  wire [LANES*(Y_BITS+GUARD)-1:0]   rd_data,
    output wire                              wr_en,
    output wire [ADDR_BITS-1:0]              wr_addr,
    output wire [LANES*(Y_BITS+GUARD)-1:0]   wr_data,
    // Multipliers: operands, and the product a cycle later.
    output wire [LANES*(Y_BITS+GUARD-1)-1:0] magnitude,
    output wire [15:0]                       factor,
    input  wire [LANES*(Y_BITS+GUARD+15)-1:0] product
);
  localparam MAGNITUDE = Y_BITS + GUARD - 1;
  localparam PRODUCT   = MAGNITUDE + 16;
  localparam [31:0]          LAST = WORDS - 1;
  localparam [ADDR_BITS-1:0] ONE  = 1;

  reg  [ADDR_BITS-1:0] addr_q;
  reg  [1:0]           valid_q;  // read, multiplied
  reg  [ADDR_BITS-1:0] back_q, write_q;
  reg  [LANES-1:0]     sign_q;
  reg                  walk_q;
  wire                 unused_low = &{1'b0, product};
  always @(posedge clk) begin
    if (!rst_n) begin
      busy    <= 1'b0;
      walk_q  <= 1'b0;
      valid_q <= 2'd0;
      addr_q  <= {ADDR_BITS{1'b0}};
    end else begin
      valid_q <= {valid_q[0], walk_q};
      if (start) {busy, walk_q} <= 2'b11;
      else begin
        if (walk_q && (addr_q == LAST[ADDR_BITS-1:0])) walk_q <= 1'b0;
        if (!walk_q && (valid_q == 2'd0)) busy <= 1'b0;
      end
      addr_q <= walk_q ? addr_q + ONE : {ADDR_BITS{1'b0}};
    end
    back_q  <= addr_q;
    write_q <= back_q;
  end

  assign rd_addr = busy ? addr_q : fetch_addr;
  assign factor  = busy ? momentum : fetch_factor;
  assign wr_en   = store_en || valid_q[1];
  assign wr_addr = store_en ? store_addr : write_q;
  genvar l;
  generate
    for (l = 0; l < LANES; l = l + 1) begin : gen_lane
      localparam WORD = Y_BITS + GUARD;
      wire [MAGNITUDE:0]   scaled  = product[l*PRODUCT+15+:MAGNITUDE+1];
      wire [MAGNITUDE-1:0] rounded = scaled[MAGNITUDE:1] + {{(MAGNITUDE - 1) {1'b0}}, scaled[0]};
      always @(posedge clk) sign_q[l] <= rd_data[l*WORD+WORD-1];
      assign magnitude[l*MAGNITUDE+:MAGNITUDE] = busy ? rd_data[l*WORD+:MAGNITUDE] : fetch_magnitude[l*MAGNITUDE+:MAGNITUDE];
      assign wr_data[l*WORD+:WORD] = store_en ? store_data[l*WORD+:WORD] : {sign_q[l], rounded};
    end
  endgenerate
endmodule
`default_nettype wire
