`default_nettype none
// Convolution: takes the kernel over the image in the sample memory, once to read all its places and, in training, once to write.
//
// Places go pixel by pixel of the pooled map and, in each, place by place of its pooling window. The words under the kernel leave as
// beats of x. A cycle asks for as many of them as lie in one beat of the image and in one line of the kernel, and as have room in the
// beat of x. Forward, the next place is gathered while the array reads the one before it. In the update each window is followed by the
// beats of its y, and the next one waits until the momentum unit has done with the pair.
// Latency: from the last address of a window to `x_last` 2 cycles, to its last beat of y Y_BEATS + 1 cycles.
module ${ name }$_conv_walk #(
    parameter LANES           = 8,   // words per beat, a power of two
<%- if lanes > 1 %>
    parameter LANE_BITS       = 3,   // bits of a word's place in a beat
<%- endif %>
    parameter DAC_BITS        = 8,   // bits of a word
    parameter IMAGE_BEAT_BITS = 3,   // bits of a beat number of the image
    parameter WORD_BITS       = 6,   // bits of a word number of the image
    parameter WINDOW          = 9,   // words under the kernel
    parameter RUN             = 3,   // words of one line under the kernel
    parameter COUNT_BITS      = 4,   // bits of these two, and of LANES
    parameter LINE_GAP        = 5,   // words between such a line and the next
    parameter POOL            = 2,   // side of the pooling window
    parameter POOL_BITS       = 1,
    parameter ACROSS          = 3,   // pixels of a line of the pooled map
    parameter ACROSS_BITS     = 2,
    parameter DOWN            = 3,   // its lines
    parameter DOWN_BITS       = 2,
    // From the first word of a place to that of the next, modulo 2^WORD_BITS: in a line of the pooling window, to its next line, to the
    // next pixel, to the next line of the map.
    parameter PLACE_STEP      = 1,
    parameter PLACE_LINE_STEP = 7,
    parameter PIXEL_STEP      = 57,
    parameter MAP_LINE_STEP   = 3,
    parameter X_BEAT_BITS     = 1,   // bits of a beat number of x
    parameter Y_BEATS         = 1,   // beats of y of one place
    parameter Y_BEAT_BITS     = 1,
    parameter MAP_BEAT_BITS   = 4,   // bits of a beat number of y of the whole map
    parameter ELEMENT_BITS    = 2    // bits of the number of a place in its pooling window
) (
    input  wire                       clk,
    input  wire                       rst_n,
    input  wire                       train,        // write, too
    input  wire                       start,        // a sample waits in the memory
    output wire [IMAGE_BEAT_BITS-1:0] image_beat,   // beat of the image to read, data one cycle later
    input  wire [LANES*DAC_BITS-1:0]  image_data,
    output wire                       image_done,   // pulse: the image is no longer needed
    output wire                       x_valid,      // beat of a window for the layer
    output wire [X_BEAT_BITS-1:0]     x_beat,
    output wire                       x_last,       // last beat of a window that is to be read
    output wire [LANES*DAC_BITS-1:0]  x_data,
    input  wire                       read_taken,   // the read of the window begins
    input  wire                       map_done,     // y of the whole map is there
    output wire                       pair_begin,   // update: the window's y is about to come
    output wire                       pair_first,   // it is the sample's first
    output wire                       pair_last,    // it is the sample's last
    output wire                       map_read,     // a beat of y of the map is to be read
    output wire [MAP_BEAT_BITS-1:0]   map_beat,
    output wire [ELEMENT_BITS-1:0]    element,      // for this place in its pooling window
    output wire                       y_valid,      // that beat comes: y for the layer
    output wire [Y_BEAT_BITS-1:0]     y_beat,
    output wire                       y_last,
    input  wire                       unit_idle,    // the momentum unit has done with its pair
    output wire                       idle
);
  localparam [2:0] ST_IDLE   = 3'd0;
  localparam [2:0] ST_GATHER = 3'd1;
  localparam [2:0] ST_STAGED = 3'd2;  // for the array to take the window
  localparam [2:0] ST_MAP    = 3'd3;  // for y of the whole map
  localparam [2:0] ST_ERROR  = 3'd4;
  localparam [2:0] ST_TAIL   = 3'd5;  // the last beat of y is on its way
  localparam [2:0] ST_UNIT   = 3'd6;  // for the momentum unit
  localparam [31:0] WINDOW_ALL  = WINDOW;
  localparam [31:0] RUN_ALL     = RUN;
<%- if lanes > 1 %>
  localparam [31:0] LANES_ALL   = LANES;
<%- endif %>
  localparam [31:0] POOL_LAST   = POOL - 1;
  localparam [31:0] ACROSS_LAST = ACROSS - 1;
  localparam [31:0] DOWN_LAST   = DOWN - 1;
  localparam [31:0] Y_LAST      = Y_BEATS - 1;
  localparam [31:0] IN_WINDOW   = PLACE_STEP;
  localparam [31:0] NEXT_LINE   = PLACE_LINE_STEP;
  localparam [31:0] NEXT_PIXEL  = PIXEL_STEP;
  localparam [31:0] MAP_LINE    = MAP_LINE_STEP;
  localparam [31:0] GAP         = LINE_GAP;
  localparam [POOL_BITS-1:0]     POOL_ONE    = 1;
  localparam [ACROSS_BITS-1:0]   ACROSS_ONE  = 1;
  localparam [DOWN_BITS-1:0]     DOWN_ONE    = 1;
  localparam [X_BEAT_BITS-1:0]   X_ONE       = 1;
  localparam [Y_BEAT_BITS-1:0]   Y_ONE       = 1;
  localparam [MAP_BEAT_BITS-1:0] MAP_ONE     = 1;
  localparam [ELEMENT_BITS-1:0]  ELEMENT_ONE = 1;

  reg [2:0]               state_q, state_d;
  reg                     update_q;    // second pass
  reg [COUNT_BITS-1:0]    window_left_q;  // words of the window to ask for
  reg [COUNT_BITS-1:0]    run_left_q;     // and of its line
  reg [WORD_BITS-1:0]     word_q;      // the first of them
  reg [WORD_BITS-1:0]     first_q;     // first word of the window
  reg [POOL_BITS-1:0]     place_x_q, place_y_q;
  reg [ACROSS_BITS-1:0]   pixel_x_q;
  reg [DOWN_BITS-1:0]     pixel_y_q;
  reg [ELEMENT_BITS-1:0]  element_q;
  reg [MAP_BEAT_BITS-1:0] pixel_beat_q;  // first beat of the pixel in the map
  reg [MAP_BEAT_BITS-1:0] map_beat_q;
  reg [Y_BEAT_BITS-1:0]   y_beat_q;

  // --- Places ------------------------------------------------------------------------------------------------------------
  wire gather      = state_q == ST_GATHER;
<%- if lanes > 1 %>
  reg  [LANE_BITS-1:0]  to_ask_q;  // their place in the beat of x
  wire [LANE_BITS-1:0]  from     = word_q[LANE_BITS-1:0];
  wire [LANE_BITS-1:0]  furthest = (from > to_ask_q) ? from : to_ask_q;
  wire [COUNT_BITS-1:0] room     = LANES_ALL[COUNT_BITS-1:0] - {{(COUNT_BITS - LANE_BITS) {1'b0}}, furthest};
  wire [COUNT_BITS-1:0] many     = (run_left_q < room) ? run_left_q : room;  // words of this cycle
<%- else %>
  wire [COUNT_BITS-1:0] many     = {{(COUNT_BITS - 1) {1'b0}}, 1'b1};
<%- endif %>
  wire line_done   = run_left_q == many;
  wire gather_end  = gather && (window_left_q == many);
  wire row_end     = place_x_q == POOL_LAST[POOL_BITS-1:0];
  wire pool_end    = row_end && (place_y_q == POOL_LAST[POOL_BITS-1:0]);
  wire line_end    = pixel_x_q == ACROSS_LAST[ACROSS_BITS-1:0];
  wire walk_end    = pool_end && line_end && (pixel_y_q == DOWN_LAST[DOWN_BITS-1:0]);
  wire y_end       = y_beat_q == Y_LAST[Y_BEAT_BITS-1:0];
  wire forward_go  = (state_q == ST_STAGED) && read_taken;
  wire unit_done   = (state_q == ST_UNIT) && unit_idle;
  wire place_done  = forward_go || unit_done;

  always @* begin
    state_d = state_q;
    case (state_q)
      ST_IDLE:   if (start) state_d = ST_GATHER;
      ST_GATHER: if (gather_end) state_d = update_q ? ST_ERROR : ST_STAGED;
      ST_STAGED: if (read_taken) state_d = !walk_end ? ST_GATHER : train ? ST_MAP : ST_IDLE;
      ST_MAP:    if (map_done) state_d = ST_GATHER;
      ST_ERROR:  if (y_end) state_d = ST_TAIL;
      ST_TAIL:   state_d = ST_UNIT;
      ST_UNIT:   if (unit_idle) state_d = walk_end ? ST_IDLE : ST_GATHER;
      default:   state_d = ST_IDLE;
    endcase
  end

  always @(posedge clk) begin
    if (!rst_n) state_q <= ST_IDLE;
    else state_q <= state_d;
  end

  // Steps wrap around: what goes back is added as well.
  wire [WORD_BITS-1:0] stride = !row_end ? IN_WINDOW[WORD_BITS-1:0] : !pool_end ? NEXT_LINE[WORD_BITS-1:0] :
                               !line_end ? NEXT_PIXEL[WORD_BITS-1:0] : MAP_LINE[WORD_BITS-1:0];
<%- if count_wider %>
  wire [WORD_BITS-1:0] many_words = many[WORD_BITS-1:0];
<%- else if count_same %>
  wire [WORD_BITS-1:0] many_words = many;
<%- else %>
  wire [WORD_BITS-1:0] many_words = {{(WORD_BITS - COUNT_BITS) {1'b0}}, many};
<%- endif %>
  wire [WORD_BITS-1:0] first = walk_end ? {WORD_BITS{1'b0}} : first_q + stride;

  always @(posedge clk) begin
    if (state_q == ST_IDLE) begin
      update_q     <= 1'b0;
      first_q      <= {WORD_BITS{1'b0}};
      word_q       <= {WORD_BITS{1'b0}};
      place_x_q    <= {POOL_BITS{1'b0}};
      place_y_q    <= {POOL_BITS{1'b0}};
      pixel_x_q    <= {ACROSS_BITS{1'b0}};
      pixel_y_q    <= {DOWN_BITS{1'b0}};
      element_q    <= {ELEMENT_BITS{1'b0}};
      pixel_beat_q <= {MAP_BEAT_BITS{1'b0}};
    end else if (place_done) begin
      first_q   <= first;
      word_q    <= first;
      place_x_q <= row_end ? {POOL_BITS{1'b0}} : place_x_q + POOL_ONE;
      element_q <= pool_end ? {ELEMENT_BITS{1'b0}} : element_q + ELEMENT_ONE;
      if (row_end) place_y_q <= pool_end ? {POOL_BITS{1'b0}} : place_y_q + POOL_ONE;
      if (pool_end) begin
        pixel_x_q <= line_end ? {ACROSS_BITS{1'b0}} : pixel_x_q + ACROSS_ONE;
        if (line_end) pixel_y_q <= walk_end ? {DOWN_BITS{1'b0}} : pixel_y_q + DOWN_ONE;
        // The map's beats are read from here on.
        pixel_beat_q <= walk_end ? {MAP_BEAT_BITS{1'b0}} : pixel_beat_q + Y_BEATS[MAP_BEAT_BITS-1:0];
      end
      if (forward_go && walk_end) update_q <= 1'b1;
    end else if (gather) begin
      word_q <= word_q + many_words + (line_done ? GAP[WORD_BITS-1:0] : {WORD_BITS{1'b0}});
    end
  end

  always @(posedge clk) begin
    if (!gather) begin
      window_left_q <= WINDOW_ALL[COUNT_BITS-1:0];
      run_left_q    <= RUN_ALL[COUNT_BITS-1:0];
    end else begin
      window_left_q <= window_left_q - many;
      run_left_q    <= line_done ? RUN_ALL[COUNT_BITS-1:0] : run_left_q - many;
    end
<%- if lanes > 1 %>
    // Behind the last place of a beat comes the first of the next.
    to_ask_q <= gather ? to_ask_q + many[LANE_BITS-1:0] : {LANE_BITS{1'b0}};
<%- endif %>
  end

  // --- Gathering: address, then the words, then their beat -------------------------------------------------------------------
  reg                      came_q;   // words are on image_data
  reg                      final_q;  // they are the window's last
  reg                      beat_ready_q;
  reg                      window_ready_q;
  reg [X_BEAT_BITS-1:0]    next_beat_q;
  reg [X_BEAT_BITS-1:0]    x_beat_q;
  reg [LANES*DAC_BITS-1:0] beat_q;
<%- if lanes > 1 %>
  reg                      full_q;   // they fill the beat
  reg [LANE_BITS-1:0]      to_q;     // their place in it
  reg [COUNT_BITS-1:0]     end_q;    // and the place behind them
  reg [LANE_BITS-1:0]      turn_q;   // from there to their place in the image's beat
  wire [COUNT_BITS-1:0]    to_end = {{(COUNT_BITS - LANE_BITS) {1'b0}}, to_ask_q} + many;
  always @(posedge clk) begin
    full_q <= gather_end || (to_end == LANES_ALL[COUNT_BITS-1:0]);
    to_q   <= to_ask_q;
    end_q  <= to_end;
    turn_q <= from - to_ask_q;
  end
  wire beat_full = came_q && full_q;
  assign image_beat = word_q[WORD_BITS-1:LANE_BITS];

  // The image's beat turned so that the words stand at their places.
  wire [2*LANES*DAC_BITS-1:0] twice  = {image_data, image_data};
  wire [LANES*DAC_BITS-1:0]   turned = twice[turn_q*DAC_BITS+:LANES*DAC_BITS];
<%- else %>
  wire beat_full = came_q;
  assign image_beat = word_q;
<%- endif %>

  always @(posedge clk) begin
    if (!rst_n) begin
      came_q         <= 1'b0;
      beat_ready_q   <= 1'b0;
      window_ready_q <= 1'b0;
    end else begin
      came_q         <= gather;
      beat_ready_q   <= beat_full;
      window_ready_q <= came_q && final_q;
    end
  end
<%- if lanes > 1 %>

  integer i;
<%- endif %>
  always @(posedge clk) begin
    final_q <= gather_end;
    if (!came_q || final_q) next_beat_q <= {X_BEAT_BITS{1'b0}};
    else if (beat_full) next_beat_q <= next_beat_q + X_ONE;
    if (came_q) begin
      x_beat_q <= next_beat_q;
<%- if lanes > 1 %>
      // Places behind the words are zero, those before them stay.
      for (i = 0; i < LANES; i = i + 1) begin
        if (i[COUNT_BITS-1:0] >= end_q) beat_q[i*DAC_BITS+:DAC_BITS] <= {DAC_BITS{1'b0}};
        else if (i[LANE_BITS-1:0] >= to_q) beat_q[i*DAC_BITS+:DAC_BITS] <= turned[i*DAC_BITS+:DAC_BITS];
      end
<%- else %>
      beat_q <= image_data;
<%- endif %>
    end
  end

  assign x_valid = beat_ready_q;
  assign x_beat  = x_beat_q;
  assign x_data  = beat_q;
  // A window that is to be written waits for no read.
  assign x_last  = window_ready_q && !update_q;

  // --- Errors: beats of the map, one after the other ------------------------------------------------------------------------
  reg                   y_valid_q;
  reg                   y_last_q;
  reg [Y_BEAT_BITS-1:0] y_out_beat_q;
  assign map_read = state_q == ST_ERROR;
  always @(posedge clk) begin
    if (!rst_n) y_valid_q <= 1'b0;
    else y_valid_q <= map_read;
  end
  always @(posedge clk) begin
    y_last_q     <= y_end;
    y_out_beat_q <= y_beat_q;
    y_beat_q     <= (map_read && !y_end) ? y_beat_q + Y_ONE : {Y_BEAT_BITS{1'b0}};
    map_beat_q   <= map_read ? map_beat_q + MAP_ONE : pixel_beat_q;
  end

  assign map_beat   = map_beat_q;
  assign element    = element_q;
  assign y_valid    = y_valid_q;
  assign y_beat     = y_out_beat_q;
  assign y_last     = y_last_q;
  assign pair_begin = map_read && (y_beat_q == {Y_BEAT_BITS{1'b0}});
  assign pair_first = first_q == {WORD_BITS{1'b0}};
  assign pair_last  = walk_end;
  assign image_done = walk_end && (unit_done || (forward_go && !train));
  assign idle       = state_q == ST_IDLE;
endmodule
`default_nettype wire
