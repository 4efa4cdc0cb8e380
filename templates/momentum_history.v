`default_nettype none
<%- if batch > 1 %>
// Momentum unit `history`: truncated momentum in batches of BATCH samples. The pairs (x, y) of the last batches sit in a ring; the last
// sample of a batch writes all of them, those of a batch with the same factor. A pair whose widths all round to zero is skipped.
//
// Pairs of earlier samples do not depend on the last one: they are written, youngest first, as soon as the array's last read of
// the sample has begun, while other layers still read. The sample's own pair comes last, when its y is there.
<%- else %>
// Momentum unit `history`: truncated momentum. The last DEPTH pairs (x, y) sit in a ring; each training step writes all of
// them, the j-th with pulse widths scaled by eta gamma^j. A pair whose widths all round to zero is skipped.
//
// Pairs of earlier samples do not depend on this one: they are written, youngest first, as soon as the array's last read of
// the sample has begun, while other layers still read. The sample's own pair comes last, when its y is there.
<%- endif %>
// x and y of the current sample are stored as they pass by. The selector finds the next pair with a pulse (2 cycles a pair),
// the fetcher brings it into the driver stages while the slot before it still runs.
// Latency: from the last y beat to `slot_req` <% if deep %>9 cycles, log2(LANES)<% else %>6 cycles<% endif %> and one per y beat.
module ${ name }$_${ prefix }$momentum_history #(
    parameter DEPTH        = 8,   // pairs
    parameter DEPTH_BITS   = 4,   // bits of a number of pairs, 0 to DEPTH
<%- if batch > 1 %>
    parameter BATCH        = 2,   // samples of a batch, at least 2
    parameter BATCH_BITS   = 1,   // bits of the number of a sample in its batch
<%- endif %>
    parameter INPUTS_BITS  = 64,  // bits of an x beat
    parameter X_BEATS      = 8,   // beats of x
    parameter X_BEAT_BITS  = 3,   // bits of an x beat number
    parameter Y_BEATS      = 4,   // beats of y
    parameter Y_BEAT_BITS  = 2,   // bits of a y beat number
    parameter LANES        = 8,   // words per beat
<%- if deep %>
    parameter COLS         = 32,  // words of y
<%- endif %>
    parameter ERROR_BITS   = 12,  // bits of a word of y
    parameter PULSE_BITS   = 8,   // bits of a pulse width
    parameter MAG_BITS     = 8,   // bits of a column magnitude, at least PULSE_BITS
<%- if pulse_table %>
    parameter TABLE        = 0,   // number of the pulse table
    parameter QUIET        = 0,   // largest code without a pulse
<%- endif %>
    parameter WIDTH_SHIFT  = 14   // |y| * eta gamma^j is divided by 2^WIDTH_SHIFT, rounded
) (
    input  wire                          clk,
    input  wire                          rst_n,
    input  wire [15:0]                   own_factor,     // factor of the sample's own pair
<%- if ages > 1 %>
    input  wire                          factor_valid,   // a factor of earlier <% if batch > 1 %>batches<% else %>pairs<% endif %> comes, while the machine is idle
    input  wire [${ age_bits - 1 }$:0]                    factor_age,     // of this age
    input  wire [15:0]                   factor_data,
<%- endif %>
    input  wire [DEPTH_BITS-1:0]         depth,          // pairs in use, 1 to DEPTH
    input  wire                          clear_history,  // forget all pairs (taken when idle)
<%- if batch > 1 %>
    input  wire                          batch_last,     // the sample is the last of its batch
<%- endif %>
    input  wire                          reads_begun,    // training: the array's last read of the sample starts
    input  wire                          x_valid,        // x of the sample passes by
    input  wire [X_BEAT_BITS-1:0]        x_beat,
    input  wire [INPUTS_BITS-1:0]        x_data,
    input  wire                          y_valid,        // y of the sample passes by
    input  wire [Y_BEAT_BITS-1:0]        y_beat,
    input  wire                          y_last,
    input  wire [LANES*ERROR_BITS-1:0]   y_data,
    input  wire                          stage_busy,     // the column stage waits for a transposed read
    output wire                          row_valid,      // x beat for the row stage
    output wire [X_BEAT_BITS-1:0]        row_beat,
    output wire [INPUTS_BITS-1:0]        row_data,
    output wire                          col_valid,      // pulse-width beat for the column stage
    output wire [Y_BEAT_BITS-1:0]        col_beat,
    output wire [LANES*MAG_BITS-1:0]     col_mag,
    output wire [LANES-1:0]              col_neg,
    output wire                          slot_req,       // the stages hold a slot
    output wire                          slot_rows,      // the slot brings its own row codes
    output wire [PULSE_BITS-1:0]         slot_longest,   // its longest pulse
    input  wire                          slot_take,      // the slot starts
    output wire                          skipped,        // a pair without a pulse was passed over
    output wire                          idle            // nothing left to fetch; the row stage is free
);
<% include "momentum/widths.v" %>
<%- if deep %>
<% include "momentum/kept.v" %>
<% include "momentum/peak_tree.v" %>
<%- else %>
<% include "momentum/peak.v" %>
<%- endif %>

  // --- Selector: the next pair with a pulse ---------------------------------------------------------------------------
  localparam [2:0] SEL_IDLE  = 3'd0;
  localparam [2:0] SEL_SCALE = 3'd1;
  localparam [2:0] SEL_WIDTH = 3'd2;
  localparam [2:0] SEL_OFFER = 3'd3;
  localparam [2:0] SEL_WAIT  = 3'd4;  // for y
<%- if deep %>
  localparam [2:0] SEL_READ  = 3'd5;  // peak and factor come out of their memories
  localparam [2:0] SEL_LOOK  = SEL_READ;
<%- else %>
  localparam [2:0] SEL_LOOK  = SEL_SCALE;
<%- endif %>

  reg [2:0]            sel_q, sel_d;
  reg [PRODUCT-1:0]    peak_product_q;
  reg [PULSE_BITS-1:0] longest_q;
  wire [PULSE_BITS-1:0] longest = width_of(peak_product_q);
<%- if pulse_table %>
  wire                 silent  = longest <= QUIET_CODE;
<%- else %>
  // A pulse of length 0: the product is less than the half that rounds it.
  localparam SILENT_SHIFT = (WIDTH_SHIFT == 0) ? 0 : WIDTH_SHIFT - 1;
  wire                 silent  = (peak_product_q >> SILENT_SHIFT) == {PRODUCT{1'b0}};
<%- endif %>
  wire                 fetch_take;
  localparam X_ADDR_BITS = (DEPTH * X_BEATS > 1) ? $clog2(DEPTH * X_BEATS) : 1;
  localparam Y_ADDR_BITS = (DEPTH * Y_BEATS > 1) ? $clog2(DEPTH * Y_BEATS) : 1;
  localparam INDEX_BITS  = (DEPTH > 1) ? $clog2(DEPTH) : 1;
  localparam [31:0] TOP_INDEX = DEPTH - 1;
  localparam [31:0] FULL      = DEPTH;
  localparam [INDEX_BITS-1:0] INDEX_ONE = 1;
  localparam [DEPTH_BITS-1:0] COUNT_ONE = 1;
<%- if batch > 1 %>
  localparam [31:0] WHOLE  = BATCH - 1;
  localparam [31:0] SECOND = BATCH - 2;
  localparam [BATCH_BITS-1:0] BATCH_ONE = 1;
<%- endif %>

  wire                 advance = ((sel_q == SEL_WIDTH) && silent) || fetch_take;
  // The newest pair lies at the head; older pairs lie at lower numbers, wrapping around.
  reg [INDEX_BITS-1:0]  head_q, pair_q;
  reg [DEPTH_BITS-1:0]  stored_q;  // pairs of earlier samples, 0 to DEPTH
  reg [DEPTH_BITS-1:0]  left_q;    // earlier pairs still to look at
  reg                   newest_q;  // the pair looked at is the current sample's
  reg                   moved_q;   // a slot of this step has changed the rows
  reg                   y_here_q;  // y of the sample has passed and its pair is still to come
  reg                   clear_q;   // a clear waits for the unit to be idle
  reg [MAGNITUDE-1:0]   peaks_q [0:DEPTH-1];  // largest magnitude of each pair's y
  wire [MAGNITUDE-1:0]  pair_peak  = newest_q ? <% if deep %>peak_d<% else %>peak_q<% endif %> : peaks_q[pair_q];
<%- if deep %>
  reg [MAGNITUDE-1:0]   peak_at_q;  // that of the pair looked at,
  reg [15:0]            factor_q;   // and what it counts
<%- endif %>
<%- if batch > 1 %>
  reg [BATCH_BITS-1:0]  rest_q;    // pairs of the batch that come after the one looked at
  wire                  batch_end  = rest_q == {BATCH_BITS{1'b0}};
  // A sample within its batch leaves its pair and no more.
  wire                  keep       = (sel_q == SEL_SCALE) && newest_q && !batch_last;
<%- endif %>
  wire                  last_old   = left_q == COUNT_ONE;
<%- if !deep %>
  wire                  y_done     = y_valid && y_last;
<%- endif %>
  wire                  y_go       = (sel_q == SEL_WAIT) && (y_done || y_here_q);
  wire [DEPTH_BITS-1:0] most_old   = depth - COUNT_ONE;
  wire [DEPTH_BITS-1:0] old_pairs  = (stored_q < most_old) ? stored_q : most_old;
<%- if batch > 1 %>
  wire                  step_end   = keep || (advance && newest_q);
<%- else %>
  wire                  step_end   = advance && newest_q;
<%- endif %>

  always @* begin
    sel_d = sel_q;
    case (sel_q)
<%- if batch > 1 %>
      SEL_IDLE:  if (reads_begun) sel_d = (!batch_last || (old_pairs == {DEPTH_BITS{1'b0}})) ? SEL_WAIT : SEL_LOOK;
      SEL_SCALE: sel_d = keep ? SEL_IDLE : SEL_WIDTH;
<%- else %>
      SEL_IDLE:  if (reads_begun) sel_d = (old_pairs == {DEPTH_BITS{1'b0}}) ? SEL_WAIT : SEL_LOOK;
      SEL_SCALE: sel_d = SEL_WIDTH;
<%- endif %>
<%- if deep %>
      SEL_READ:  sel_d = SEL_SCALE;
<%- endif %>
      SEL_WIDTH: sel_d = !silent ? SEL_OFFER : newest_q ? SEL_IDLE : last_old ? SEL_WAIT : SEL_LOOK;
      SEL_OFFER: if (fetch_take) sel_d = newest_q ? SEL_IDLE : last_old ? SEL_WAIT : SEL_LOOK;
      SEL_WAIT:  if (y_go) sel_d = SEL_LOOK;
      default:   sel_d = SEL_IDLE;
    endcase
  end

  always @(posedge clk) begin
    if (!rst_n) sel_q <= SEL_IDLE;
    else sel_q <= sel_d;
  end

  always @(posedge clk) begin
<%- if deep %>
    if (sel_q == SEL_READ) peak_at_q <= pair_peak;
<%- endif %>
    if (sel_q == SEL_SCALE) peak_product_q <= {{16{1'b0}}, <% if deep %>peak_at_q<% else %>pair_peak<% endif %>} * {{MAGNITUDE{1'b0}}, factor};
    if (sel_q == SEL_WIDTH) longest_q <= longest;
  end

  // --- Factors: one per <% if batch > 1 %>batch<% else %>pair<% endif %>, by age ------------------------------------------------------------------------------------
<%- if ages > 1 %>
  localparam [${ age_bits - 1 }$:0] AGE_ONE   = 1;
<%- if batch > 1 %>
  localparam [${ age_bits - 1 }$:0] AGE_FIRST = 0;  // pairs of the running batch come first
<%- else %>
  localparam [${ age_bits - 1 }$:0] AGE_FIRST = 1;
<%- endif %>
  reg  [${ age_bits - 1 }$:0] age_q;
  wire       older    = (sel_q != SEL_IDLE) && advance<% if batch > 1 %> && batch_end<% endif %>;
  wire [${ age_bits - 1 }$:0] age_d    = (sel_q == SEL_IDLE) ? AGE_FIRST : older ? age_q + AGE_ONE : age_q;
  wire [15:0] aged;
  always @(posedge clk) age_q <= age_d;
<%- if deep %>
  // The factor of the next look is read during the one before, when it is known which that will be, and begins a cycle anew before the multiplier.
  wire [${ age_bits - 1 }$:0] ahead    = (sel_q == SEL_IDLE) ? AGE_FIRST : <% if batch > 1 %>batch_end ? age_q + AGE_ONE : age_q<% else %>age_q + AGE_ONE<% endif %>;
<%- endif %>

  ${ name }$_vector_mem #(
      .WIDTH    (16),
      .DEPTH    (${ ages }$),
      .ADDR_BITS(${ age_bits }$)
  ) u_factors (
      .clk    (clk),
      .wr_en  (factor_valid),
      .wr_addr(factor_age),
      .wr_data(factor_data),
<%- if deep %>
      .rd_en  ((sel_q == SEL_IDLE) || (sel_q == SEL_SCALE)),
      .rd_addr(ahead),
<%- else %>
      .rd_en  (sel_q != SEL_WAIT),
      .rd_addr(age_d),
<%- endif %>
      .rd_data(aged)
  );
  wire [15:0] <% if deep %>factor_d<% else %>factor<% endif %> = (newest_q<% if batch > 1 %> || (age_q == AGE_FIRST)<% endif %>) ? own_factor : aged;
<%- else %>
  wire [15:0] <% if deep %>factor_d<% else %>factor<% endif %> = own_factor;
<%- endif %>
<%- if deep %>
  wire [15:0] factor = factor_q;
  always @(posedge clk) if (sel_q == SEL_READ) factor_q <= factor_d;
<%- endif %>

  localparam [INDEX_BITS-1:0]  INDEX_ZERO = 0;
  always @(posedge clk) begin
    if (sel_q == SEL_IDLE) begin
      // The pair before the sample's own.
      pair_q   <= (head_q == INDEX_ZERO) ? TOP_INDEX[INDEX_BITS-1:0] : head_q - INDEX_ONE;
      newest_q <= 1'b0;
      moved_q  <= 1'b0;
      left_q   <= old_pairs;
    end else begin
      if (fetch_take) moved_q <= 1'b1;
      if (y_go) begin
        pair_q   <= head_q;
        newest_q <= 1'b1;
      end else if (advance) begin
        pair_q   <= (pair_q == INDEX_ZERO) ? TOP_INDEX[INDEX_BITS-1:0] : pair_q - INDEX_ONE;
        left_q   <= left_q - COUNT_ONE;
      end
    end
<%- if batch > 1 %>
    // The batch of the pair before the own one is the running batch.
    if (sel_q == SEL_IDLE) rest_q <= SECOND[BATCH_BITS-1:0];
    else if (advance) rest_q <= batch_end ? WHOLE[BATCH_BITS-1:0] : rest_q - BATCH_ONE;
<%- endif %>
    if ((sel_q == SEL_SCALE) && newest_q) peaks_q[head_q] <= peak_q;
  end

  always @(posedge clk) begin
    if (!rst_n || y_go) y_here_q <= 1'b0;
    else if (y_done) y_here_q <= 1'b1;
  end

  // The head moves on when the sample's own pair has been looked at; the fetcher keeps its own addresses.
  always @(posedge clk) begin
    if (!rst_n) begin
      head_q   <= {INDEX_BITS{1'b0}};
      stored_q <= {DEPTH_BITS{1'b0}};
      clear_q  <= 1'b0;
    end else begin
      if (step_end) begin
        head_q   <= (head_q == TOP_INDEX[INDEX_BITS-1:0]) ? {INDEX_BITS{1'b0}} : head_q + INDEX_ONE;
        stored_q <= (stored_q == FULL[DEPTH_BITS-1:0]) ? stored_q : stored_q + COUNT_ONE;
      end else if ((sel_q == SEL_IDLE) && clear_q) begin
        stored_q <= {DEPTH_BITS{1'b0}};
      end
      if (clear_history) clear_q <= 1'b1;
      else if (sel_q == SEL_IDLE) clear_q <= 1'b0;
    end
  end

  // --- Fetcher: pair -> driver stages -----------------------------------------------------------------------------------
  localparam [1:0] FETCH_IDLE   = 2'd0;
  localparam [1:0] FETCH_READ   = 2'd1;
  localparam [1:0] FETCH_DRAIN  = 2'd2;
  localparam [1:0] FETCH_STAGED = 2'd3;
  localparam BEATS     = (X_BEATS > Y_BEATS) ? X_BEATS : Y_BEATS;
  localparam BEAT_BITS = (X_BEATS > Y_BEATS) ? X_BEAT_BITS : Y_BEAT_BITS;
  localparam [31:0] X_LAST    = X_BEATS - 1;
  localparam [31:0] BEAT_LAST = BEATS - 1;
  localparam [BEAT_BITS-1:0] BEAT_ONE = 1;

  reg [1:0]            fetch_q, fetch_d;
  reg [BEAT_BITS-1:0]  beat_q;
  reg [15:0]           fetch_factor_q;
  reg [PULSE_BITS-1:0] fetch_longest_q;
<%- if deep %>
  reg [1:0]            drain_q;
<%- endif %>
  reg                  drained_q;
  reg                   fetch_rows_q;
  reg [X_ADDR_BITS-1:0] fetch_x_q;
  reg [Y_ADDR_BITS-1:0] fetch_y_q;
  reg                   x_left_q;
  reg                   y_left_q;
<% include "times.v" %>

  // Where the selected pair begins.
  wire [31:0] pair_32 = {{(32 - INDEX_BITS) {1'b0}}, pair_q};
  wire [31:0] pair_x  = times(pair_32, X_BEATS);
  wire [31:0] pair_y  = times(pair_32, Y_BEATS);
  wire unused_pair = &{1'b0, pair_x[31:X_ADDR_BITS], pair_y[31:Y_ADDR_BITS]};
  wire x_read    = (fetch_q == FETCH_READ) && fetch_rows_q && x_left_q;
  wire y_read    = (fetch_q == FETCH_READ) && y_left_q;
  wire beat_last = beat_q == (fetch_rows_q ? BEAT_LAST[BEAT_BITS-1:0] : Y_LAST[BEAT_BITS-1:0]);

  assign fetch_take = (sel_q == SEL_OFFER) && !stage_busy && ((fetch_q == FETCH_IDLE) || slot_take);

  always @* begin
    fetch_d = fetch_q;
    case (fetch_q)
      FETCH_IDLE:   if (fetch_take) fetch_d = FETCH_READ;
      FETCH_READ:   if (beat_last) fetch_d = FETCH_DRAIN;
<%- if deep %>
      // Four cycles: memory output, its register, product, then the scaled width.
<%- else %>
      // Two cycles: memory output, then the scaled width.
<%- endif %>
      FETCH_DRAIN:  if (drained_q) fetch_d = FETCH_STAGED;
      FETCH_STAGED: if (slot_take) fetch_d = fetch_take ? FETCH_READ : FETCH_IDLE;
    endcase
  end

  always @(posedge clk) begin
    if (!rst_n) fetch_q <= FETCH_IDLE;
    else fetch_q <= fetch_d;
  end

  always @(posedge clk) begin
<%- if deep %>
    drain_q   <= (fetch_q == FETCH_DRAIN) ? {drain_q[0], 1'b1} : 2'd0;
    drained_q <= drain_q[1] && (fetch_q == FETCH_DRAIN);
<%- else %>
    drained_q <= fetch_q == FETCH_DRAIN;
<%- endif %>
    if (fetch_take) begin
      beat_q          <= {BEAT_BITS{1'b0}};
      fetch_factor_q  <= factor;
      fetch_longest_q <= longest_q;
      // Without an earlier slot in this step the rows still hold the sample's x from the forward read.
      fetch_rows_q    <= !newest_q || moved_q;
      fetch_x_q       <= pair_x[X_ADDR_BITS-1:0];
      fetch_y_q       <= pair_y[Y_ADDR_BITS-1:0];
      x_left_q        <= 1'b1;
      y_left_q        <= 1'b1;
    end else if (fetch_q == FETCH_READ) begin
      beat_q <= beat_q + BEAT_ONE;
      if (x_read) fetch_x_q <= fetch_x_q + {{(X_ADDR_BITS - 1) {1'b0}}, 1'b1};
      if (y_read) fetch_y_q <= fetch_y_q + {{(Y_ADDR_BITS - 1) {1'b0}}, 1'b1};
      if (beat_q[X_BEAT_BITS-1:0] == X_LAST[X_BEAT_BITS-1:0]) x_left_q <= 1'b0;
      if (beat_q[Y_BEAT_BITS-1:0] == Y_LAST[Y_BEAT_BITS-1:0]) y_left_q <= 1'b0;
    end
  end

<% include "momentum/lanes.v" %>

  reg                   x_out_valid_q;
  reg [X_BEAT_BITS-1:0] x_out_beat_q;
  always @(posedge clk) begin
    if (!rst_n) x_out_valid_q <= 1'b0;
    else x_out_valid_q <= x_read;
  end
  always @(posedge clk) if (x_read) x_out_beat_q <= beat_q[X_BEAT_BITS-1:0];

  wire [31:0] head_32 = {{(32 - INDEX_BITS) {1'b0}}, head_q};
  wire [31:0] x_store = times(head_32, X_BEATS) + {{(32 - X_BEAT_BITS) {1'b0}}, x_beat};
  wire [31:0] y_store = times(head_32, Y_BEATS) + {{(32 - Y_BEAT_BITS) {1'b0}}, y_beat};
  wire unused_store = &{1'b0, x_store[31:X_ADDR_BITS], y_store[31:Y_ADDR_BITS]};
<%- if deep %>
  reg [Y_ADDR_BITS-1:0] y_store_q;
  always @(posedge clk) y_store_q <= y_store[Y_ADDR_BITS-1:0];
<%- endif %>

  ${ name }$_vector_mem #(
      .WIDTH    (INPUTS_BITS),
      .DEPTH    (DEPTH * X_BEATS),
      .ADDR_BITS(X_ADDR_BITS)
  ) u_x_ring (
      .clk    (clk),
      .wr_en  (x_valid),
      .wr_addr(x_store[X_ADDR_BITS-1:0]),
      .wr_data(x_data),
      .rd_en  (x_read),
      .rd_addr(fetch_x_q),
      .rd_data(row_data)
  );

  ${ name }$_vector_mem #(
      .WIDTH    (<% if deep %>USED<% else %>LANES<% endif %> * ERROR_BITS),
      .DEPTH    (DEPTH * Y_BEATS),
      .ADDR_BITS(Y_ADDR_BITS)
  ) u_y_ring (
      .clk    (clk),
<%- if deep %>
      .wr_en  (y_kept_valid_q),
      .wr_addr(y_store_q),
      .wr_data(y_kept_q[USED*ERROR_BITS-1:0]),
<%- else %>
      .wr_en  (y_valid),
      .wr_addr(y_store[Y_ADDR_BITS-1:0]),
      .wr_data(y_data),
<%- endif %>
      .rd_en  (y_read),
      .rd_addr(fetch_y_q),
      .rd_data(y_out)
  );

  assign row_valid = x_out_valid_q;
  assign row_beat  = x_out_beat_q;
  assign slot_rows = fetch_rows_q;
<% include "momentum/columns.v" %>

  assign col_valid    = width_valid_q;
  assign col_beat     = width_beat_q;
  assign col_neg      = neg_q;
  assign slot_req     = fetch_q == FETCH_STAGED;
<%- if !pulse_table %>
  assign slot_longest = fetch_longest_q;
<%- endif %>
  assign skipped      = (sel_q == SEL_WIDTH) && silent;
  assign idle         = (sel_q == SEL_IDLE) && (fetch_q == FETCH_IDLE);
endmodule
`default_nettype wire
