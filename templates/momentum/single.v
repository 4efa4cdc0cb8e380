  // --- Selector: whether the pair gives a pulse ---------------------------------------------------------------------------
  localparam [1:0] SEL_IDLE  = 2'd0;
  localparam [1:0] SEL_SCALE = 2'd1;
  localparam [1:0] SEL_WIDTH = 2'd2;
  localparam [1:0] SEL_OFFER = 2'd3;

  reg [1:0]            sel_q, sel_d;
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

  always @* begin
    sel_d = sel_q;
    case (sel_q)
      SEL_IDLE:  if (<% if deep %>y_found_q<% else %>y_valid && y_last<% endif %>) sel_d = SEL_SCALE;
      SEL_SCALE: sel_d = SEL_WIDTH;
      SEL_WIDTH: sel_d = silent ? SEL_IDLE : SEL_OFFER;
      SEL_OFFER: if (fetch_take) sel_d = SEL_IDLE;
    endcase
  end

  always @(posedge clk) begin
    if (!rst_n) sel_q <= SEL_IDLE;
    else sel_q <= sel_d;
  end

  always @(posedge clk) begin
    if (sel_q == SEL_SCALE) peak_product_q <= {{16{1'b0}}, peak_q} * {{MAGNITUDE{1'b0}}, learning_rate};
    if (sel_q == SEL_WIDTH) longest_q <= longest;
  end

  // --- Fetcher: pair -> driver stages -----------------------------------------------------------------------------------
  localparam [1:0] FETCH_IDLE   = 2'd0;
  localparam [1:0] FETCH_READ   = 2'd1;
  localparam [1:0] FETCH_DRAIN  = 2'd2;
  localparam [1:0] FETCH_STAGED = 2'd3;
  localparam BEAT_BITS = Y_BEAT_BITS;
  localparam [BEAT_BITS-1:0] BEAT_ONE = 1;

  reg [1:0]            fetch_q, fetch_d;
  reg [BEAT_BITS-1:0]  beat_q;
  reg [15:0]           fetch_factor_q;
  reg [PULSE_BITS-1:0] fetch_longest_q;
<%- if deep %>
  reg [1:0]            drain_q;
<%- endif %>
  reg                  drained_q;
  wire y_read    = fetch_q == FETCH_READ;
  wire beat_last = beat_q == Y_LAST[BEAT_BITS-1:0];

  assign fetch_take = (sel_q == SEL_OFFER) && !stage_busy && ((fetch_q == FETCH_IDLE) || pair_take);

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
      FETCH_STAGED: if (pair_take) fetch_d = fetch_take ? FETCH_READ : FETCH_IDLE;
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
      fetch_factor_q  <= learning_rate;
      fetch_longest_q <= longest_q;
    end else if (fetch_q == FETCH_READ) begin
      beat_q <= beat_q + BEAT_ONE;
    end
  end

<% include "momentum/lanes.v" %>
<%- if deep %>
  reg [Y_BEAT_BITS-1:0] y_store_q;
  always @(posedge clk) y_store_q <= y_beat;

<%- endif %>
  ${ name }$_vector_mem #(
      .WIDTH    (<% if deep %>USED<% else %>LANES<% endif %> * ERROR_BITS),
      .DEPTH    (Y_BEATS),
      .ADDR_BITS(Y_BEAT_BITS)
  ) u_y (
      .clk    (clk),
<%- if deep %>
      .wr_en  (y_kept_valid_q),
      .wr_addr(y_store_q),
      .wr_data(y_kept_q[USED*ERROR_BITS-1:0]),
<%- else %>
      .wr_en  (y_valid),
      .wr_addr(y_beat),
      .wr_data(y_data),
<%- endif %>
      .rd_en  (y_read),
      .rd_addr(beat_q),
      .rd_data(y_out)
  );
<% include "momentum/columns.v" %>
