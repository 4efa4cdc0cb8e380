`default_nettype none
<%- if winners %>
// Errors of a convolution's pooled map, and which place of its pooling window each word is from: the others have no share in it.
<%- else %>
// Errors of a convolution's pooled map; all places of a pooling window share in them.
<%- endif %>
// Latency: `y_data` is valid one cycle after `rd_en`.
module ${ name }$_conv_errors #(
    parameter LANES        = 8,   // words per beat
    parameter ERROR_BITS   = 12,  // bits of a word of y
<%- if winners %>
    parameter ELEMENT_BITS = 2,   // bits of the number of a place in its window
<%- endif %>
    parameter BEATS        = 9,   // beats of the map
    parameter BEAT_BITS    = 4
) (
    input  wire                        clk,
<%- if winners %>
    input  wire                        winner_valid,  // places of a beat of the map, in the forward read
    input  wire [BEAT_BITS-1:0]        winner_beat,
    input  wire [LANES*ELEMENT_BITS-1:0] winner_data,
<%- endif %>
    input  wire                        map_valid,     // y of a beat of the map
    input  wire [BEAT_BITS-1:0]        map_beat,
    input  wire [LANES*ERROR_BITS-1:0] map_data,
    input  wire                        rd_en,
    input  wire [BEAT_BITS-1:0]        rd_beat,
<%- if winners %>
    input  wire [ELEMENT_BITS-1:0]     element,       // y of this place; stays while its beats are read
<%- endif %>
    output wire [LANES*ERROR_BITS-1:0] y_data
);
  wire [LANES*ERROR_BITS-1:0] map_out;
  ${ name }$_vector_mem #(
      .WIDTH    (LANES * ERROR_BITS),
      .DEPTH    (BEATS),
      .ADDR_BITS(BEAT_BITS)
  ) u_map (
      .clk    (clk),
      .wr_en  (map_valid),
      .wr_addr(map_beat),
      .wr_data(map_data),
      .rd_en  (rd_en),
      .rd_addr(rd_beat),
      .rd_data(map_out)
  );
<%- if winners %>

  wire [LANES*ELEMENT_BITS-1:0] winner_out;
  ${ name }$_vector_mem #(
      .WIDTH    (LANES * ELEMENT_BITS),
      .DEPTH    (BEATS),
      .ADDR_BITS(BEAT_BITS)
  ) u_winners (
      .clk    (clk),
      .wr_en  (winner_valid),
      .wr_addr(winner_beat),
      .wr_data(winner_data),
      .rd_en  (rd_en),
      .rd_addr(rd_beat),
      .rd_data(winner_out)
  );

  reg [LANES*ERROR_BITS-1:0] share;
  integer i;
  always @* begin
    for (i = 0; i < LANES; i = i + 1)
      share[i*ERROR_BITS+:ERROR_BITS] = map_out[i*ERROR_BITS+:ERROR_BITS] &
          {ERROR_BITS{winner_out[i*ELEMENT_BITS+:ELEMENT_BITS] == element}};
  end
  assign y_data = share;
<%- else %>
  assign y_data = map_out;
<%- endif %>
endmodule
`default_nettype wire
