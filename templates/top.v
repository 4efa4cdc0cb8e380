`default_nettype none
// ${ name }$: memristor-crossbar training accelerator, ${ shape }$.
// ${ summary }$
//
// Buses: s_axil (AXI4-Lite CSRs), s_axis (samples in), m_axis (outputs). One clock, synchronous active-low reset.
<%- if external %>
// Array macros: one set of pins per layer, described in docs/array-macro.md.
<%- endif %>
module ${ name }$ (
    input  wire        aclk,
    input  wire        aresetn,
    input  wire [11:0] s_axil_awaddr,
    input  wire [2:0]  s_axil_awprot,
    input  wire        s_axil_awvalid,
    output wire        s_axil_awready,
    input  wire [31:0] s_axil_wdata,
    input  wire [3:0]  s_axil_wstrb,
    input  wire        s_axil_wvalid,
    output wire        s_axil_wready,
    output wire [1:0]  s_axil_bresp,
    output wire        s_axil_bvalid,
    input  wire        s_axil_bready,
    input  wire [11:0] s_axil_araddr,
    input  wire [2:0]  s_axil_arprot,
    input  wire        s_axil_arvalid,
    output wire        s_axil_arready,
    output wire [31:0] s_axil_rdata,
    output wire [1:0]  s_axil_rresp,
    output wire        s_axil_rvalid,
    input  wire        s_axil_rready,
    input  wire [63:0] s_axis_tdata,   // ${ stream_words }$ words of ${ stream_bits }$ bits, lowest first
    input  wire        s_axis_tvalid,
    output wire        s_axis_tready,
    input  wire        s_axis_tlast,   // end of the sample
    output wire [63:0] m_axis_tdata,
    output wire        m_axis_tvalid,
    input  wire        m_axis_tready,
    output wire        m_axis_tlast<% if external %>,<% endif %>
<%- if external %>
<%- for l in layers %>
<%- let last_layer = loop.last %>
<%- for a in l.tiles %>
<%- if slices.is_some() && l.grid == (1, 1) %>
    // Array of layer ${ l.name }$, slice ${ a.slice }$: ${ a.rows }$ rows, ${ a.cols }$ columns.
<%- else if l.tiled %>
    // Array of layer ${ l.name }$<% if slices.is_some() %>, slice ${ a.slice }$<% endif %>, row ${ a.grid.0 }$ and column ${ a.grid.1 }$ of its grid: its rows from ${ a.first_row }$ on (${ a.rows }$), columns from ${ a.first_col }$ on (${ a.cols }$).
<%- else %>
    // Array of layer ${ l.name }$: ${ l.inputs + 1 }$ rows, ${ l.cols }$ columns.
<%- endif %>
    output wire        ${ a.name }$_op_valid,
    output wire [${ kind_bits - 1 }$:0]  ${ a.name }$_op_kind,
    output wire        ${ a.name }$_op_last,
    input  wire        ${ a.name }$_op_ready,
    output wire [${ a.rows * dac_bits - 1 }$:0] ${ a.name }$_row_code,
<%- if let Some(s) = serial %>
    output wire [${ a.rows - 1 }$:0] ${ a.name }$_row_bit,
    output wire [${ a.cols - 1 }$:0] ${ a.name }$_col_bit,
<%- endif %>
    output wire [${ a.cols * mag_bits - 1 }$:0] ${ a.name }$_col_mag,
    output wire [${ a.cols - 1 }$:0] ${ a.name }$_col_neg,
    output wire [${ a.cols - 1 }$:0] ${ a.name }$_col_on,
<%- if unit.in_array() %>
    output wire [15:0] ${ a.name }$_gamma,
<%- endif %>
<%- if let Some(m) = memory %>
    output wire [1:0]  ${ l.name }$_cell_op,
    output wire        ${ l.name }$_cell_device,
    output wire [${ l.row_bits - 1 }$:0] ${ l.name }$_cell_row,
    output wire [${ l.col_bits - 1 }$:0] ${ l.name }$_cell_col,
    output wire [${ m.amp_bits - 1 }$:0] ${ l.name }$_cell_amp,
    output wire [${ m.width_bits - 1 }$:0] ${ l.name }$_cell_width,
    output wire        ${ l.name }$_cell_on,
<%- endif %>
    output wire [${ l.tile_group_bits - 1 }$:0] ${ a.name }$_adc_group,
    output wire        ${ a.name }$_adc_ready,
    input  wire        ${ a.name }$_adc_valid,
    input  wire [${ adcs * adc_bits - 1 }$:0] ${ a.name }$_adc_code<% if !last_layer || !loop.last %>,<% endif %>
<%- endfor %>
<%- endfor %>
<%- endif %>
);
  // --- Reset: the pin, or a soft reset for one cycle ---------------------------------------------------------------------
  wire soft_reset;
  reg  rst_n;
  always @(posedge aclk) rst_n <= aresetn && !soft_reset;

  // --- Control and status ---------------------------------------------------------------------------------------------------
  wire        run;
  wire        train;
  wire        emit;
  wire        clear_counters;
  wire [15:0] learning_rate;
<%- if clears %>
  wire        clear_history;
<%- else %>
  wire        unused_clear_history;
<%- endif %>
<%- if unit.momentum() %>
  wire [15:0] momentum;
<%- if unit.history() %>
  wire [${ history_bits - 1 }$:0] history;
<%- endif %>
<%- endif %>
  wire        sequencer_busy;
  wire        input_busy;
  wire        sample_valid;
  wire        out_free;
  wire        out_busy;
  wire [3:0]  phase;
  wire        short_packet;
  wire        long_packet;
<%- for counter in counters %>
  wire [${ counter_bits - 1 }$:0] ${ counter }$;
<%- endfor %>
<%- if let Some(m) = memory %>
<%- for f in m.fields %>
  wire ${ f.bits }$ ${ f.name }$;
<%- endfor %>
  wire        memory_hold;
  wire        machine_idle;
<%- endif %>
<%- if !external %>
  wire                weight_valid;
  wire                weight_write;
  wire [${ csr_layer_bits - 1 }$:0] weight_layer;
  wire [${ csr_row_bits - 1 }$:0] weight_row;
  wire [${ csr_col_bits - 1 }$:0] weight_col;
  wire [${ state_bits - 1 }$:0] weight_wdata;
  wire [${ layers.len() - 1 }$:0] host_ready;
<%- for l in layers %>
  wire [${ state_bits - 1 }$:0] ${ l.name }$_host_rdata;
<%- endfor %>
<%- endif %>

  ${ name }$_csr u_csr (
      .aclk          (aclk),
      .aresetn       (aresetn),
      .s_axil_awaddr (s_axil_awaddr),
      .s_axil_awprot (s_axil_awprot),
      .s_axil_awvalid(s_axil_awvalid),
      .s_axil_awready(s_axil_awready),
      .s_axil_wdata  (s_axil_wdata),
      .s_axil_wstrb  (s_axil_wstrb),
      .s_axil_wvalid (s_axil_wvalid),
      .s_axil_wready (s_axil_wready),
      .s_axil_bresp  (s_axil_bresp),
      .s_axil_bvalid (s_axil_bvalid),
      .s_axil_bready (s_axil_bready),
      .s_axil_araddr (s_axil_araddr),
      .s_axil_arprot (s_axil_arprot),
      .s_axil_arvalid(s_axil_arvalid),
      .s_axil_arready(s_axil_arready),
      .s_axil_rdata  (s_axil_rdata),
      .s_axil_rresp  (s_axil_rresp),
      .s_axil_rvalid (s_axil_rvalid),
      .s_axil_rready (s_axil_rready),
      .run           (run),
      .train         (train),
      .emit          (emit),
      .soft_reset    (soft_reset),
<%- if clears %>
      .clear_history (clear_history),
<%- else %>
      .clear_history (unused_clear_history),
<%- endif %>
      .clear_counters(clear_counters),
      .learning_rate (learning_rate),
<%- if unit.momentum() %>
      .momentum      (momentum),
<%- endif %>
<%- if unit.history() %>
      .history       (history),
<%- endif %>
<%- if !external %>
      .weight_valid  (weight_valid),
      .weight_write  (weight_write),
      .weight_layer  (weight_layer),
      .weight_row    (weight_row),
      .weight_col    (weight_col),
      .weight_wdata  (weight_wdata),
      .weight_ready  (|host_ready),
      .weight_rdata  (
<%- for l in layers %>
          ({${ state_bits }${host_ready[${ loop.index0 }$]}} & ${ l.name }$_host_rdata)<% if !loop.last %> |<% endif %>
<%- endfor %>
      ),
<%- endif %>
<%- for counter in counters %>
      .${ counter }$(${ counter }$),
<%- endfor %>
<%- if let Some(m) = memory %>
<%- for f in m.fields %>
      .${ f.name }$(${ f.name }$),
<%- endfor %>
      .busy          (sequencer_busy || input_busy || out_busy || memory_busy<% if ages > 1 %> || run<% endif %>),
<%- else %>
      .busy          (sequencer_busy || input_busy || out_busy<% if ages > 1 %> || run<% endif %>),
<%- endif %>
      .phase         (phase),
      .short_packet  (short_packet),
      .long_packet   (long_packet)
  );
<%- if let Some(f) = factors %>

  wire [23:0] own_scale;
<%- if f.past %>
  wire [23:0] past_scale;
<%- endif %>
  ${ name }$_momentum_factors u_factors (
      .clk          (aclk),
      .learning_rate(learning_rate),
<%- if unit.momentum() && f.momentum() %>
      .momentum     (momentum),
<%- endif %>
<%- if f.past %>
      .own_scale    (own_scale),
      .past_scale   (past_scale)
<%- else %>
      .own_scale    (own_scale)
<%- endif %>
  );
<%- if f.past && ages == 1 %>
  wire unused_past = &{1'b0, past_scale};
<%- endif %>
<%- if !(ages > 1 && first == "own_scale") %>
  wire unused_scale = &{1'b0, own_scale[7:0]};
<%- endif %>
<%- endif %>
<%- if unit.history() && ages == 1 %>
  wire unused_momentum = &{1'b0, momentum};
<%- endif %>
<%- if ages > 1 %>

  // --- Factors of earlier gradients --------------------------------------------------------------------------------------------
  wire        factors_ready;
  wire        factor_valid;
  wire [${ age_bits - 1 }$:0]  factor_age;
  wire [15:0] factor_data;
  ${ name }$_momentum_decay #(
      .AGES    (${ ages }$),
      .AGE_BITS(${ age_bits }$)
  ) u_decay (
      .clk         (aclk),
      .rst_n       (rst_n),
      .run         (run),
      .first       (${ first }$),
      .momentum    (momentum),
      .ready       (factors_ready),
      .factor_valid(factor_valid),
      .factor_age  (factor_age),
      .factor      (factor_data)
  );
<%- endif %>

  // --- Samples ------------------------------------------------------------------------------------------------------------------
  wire [${ image_beat_bits - 1 }$:0] x_rd_beat;
  wire [${ lanes * dac_bits - 1 }$:0] x_rd_data;
  wire                       x_done;
  wire [${ beat_bits - 1 }$:0] t_rd_beat;
  wire [${ lanes * dac_bits - 1 }$:0] t_rd_data;
  wire                       t_done;
  // Packets follow the mode, and the mode changes only while nothing is held.
  wire                       unused_sample_train;

  ${ name }$_sample_in #(
      .INPUTS  (${ inputs }$),
      .OUTPUTS (${ outputs }$),
      .DAC_BITS(${ dac_bits }$),
      .LANES   (${ lanes }$)
  ) u_sample_in (
      .clk          (aclk),
      .rst_n        (rst_n),
      .s_axis_tdata (s_axis_tdata),
      .s_axis_tvalid(s_axis_tvalid),
      .s_axis_tready(s_axis_tready),
      .s_axis_tlast (s_axis_tlast),
      .train        (train),
      .busy         (input_busy),
      .sample_valid (sample_valid),
      .sample_train (unused_sample_train),
      .x_rd_beat    (x_rd_beat),
      .x_rd_data    (x_rd_data),
      .x_done       (x_done),
      .t_rd_beat    (t_rd_beat[${ last_beat_bits - 1 }$:0]),
      .t_rd_data    (t_rd_data),
      .t_done       (t_done),
      .short_packet (short_packet),
      .long_packet  (long_packet)
  );
<%- if beat_bits > last_beat_bits %>
  wire unused_t_beat = &{1'b0, t_rd_beat[${ beat_bits - 1 }$:${ last_beat_bits }$]};
<%- endif %>

  // --- Sequencer ---------------------------------------------------------------------------------------------------------------
  wire [${ layers.len() - 1 }$:0] act_valid;
  wire [${ beat_bits - 1 }$:0] act_beat;
  wire                       act_last;
  wire [${ lanes * dac_bits - 1 }$:0] act_data;
  wire [${ layers.len() - 1 }$:0] y_valid;
  wire [${ beat_bits - 1 }$:0] y_beat;
  wire                       y_last;
  wire [${ lanes * error_bits - 1 }$:0] y_data;
<%- if layers.len() > 1 %>
  wire [${ lanes * (dac_bits - 1) - 1 }$:0] y_drive;
<%- endif %>
  wire                       x_valid;
  wire [${ layers[0].x_beat_bits - 1 }$:0] x_beat;
  wire                       x_last;
<%- if conv.is_some() %>
  wire [${ lanes * dac_bits - 1 }$:0] x_data;
  wire                       walk_idle;
<%- endif %>
  wire                       start;
  wire                       sample_end;
  wire [${ layers.len() - 1 }$:0] unit_idle;
  wire [${ layers.len() - 1 }$:0] port_idle;
  wire [${ layers.len() - 1 }$:0] slot_start;
  wire [${ layers.len() - 1 }$:0] slot_skipped;
  wire [${ layers.len() - 1 }$:0] op_valid;
<%- if batch_first %>
  wire                       batch_first;
<%- endif %>
<%- if batch > 1 %>
  wire                       batch_last;
<%- endif %>
<%- if let Some(c) = conv %>
<%- if unit.history() %>
  // Windows of the batches in use.
  wire [${ layers[0].depth_bits - 1 }$:0] windows = <% if c.deeper %>{${ c.depth_spare }$'d0, history}<% else %>history<% endif %> * ${ layers[0].depth_bits }$'d${ c.gradients }$;
<%- endif %>
<%- endif %>
<%- if batch > 1 && unit.history() %>
  // Pairs of the batches in use.
  wire [${ depth_bits - 1 }$:0] pairs = <% if depth_bits > history_bits %>{${ depth_bits - history_bits }$'d0, history}<% else %>history<% endif %> * ${ depth_bits }$'d${ batch }$;
<%- endif %>

<%- if conv.is_some() %>

  ${ name }$_sequencer u_sequencer (
<%- else %>

  ${ name }$_sequencer #(
      .X_BEATS    (${ layers[0].x_beats }$),
      .X_BEAT_BITS(${ layers[0].x_beat_bits }$)
  ) u_sequencer (
<%- endif %>
      .clk         (aclk),
      .rst_n       (rst_n),
<%- if ages > 1 %>
      .run         (run && factors_ready),
<%- else %>
      .run         (run),
<%- endif %>
      .train       (train),
      .emit        (emit),
      .sample_valid(sample_valid),
<%- if conv.is_none() %>
      .x_rd_beat   (x_rd_beat),
      .x_done      (x_done),
<%- endif %>
      .t_done      (t_done),
<%- if conv.is_none() %>
      .x_valid     (x_valid),
      .x_beat      (x_beat),
      .x_last      (x_last),
<%- endif %>
      .start       (start),
      .out_free    (out_free),
      .out_done    (act_valid[${ layers.len() - 1 }$] && act_last),
      .error_done  (y_valid[${ layers.len() - 1 }$] && y_last),
      .first_done  (y_valid[0] && y_last),
<%- if conv.is_some() %>
      .all_idle    (&unit_idle && &port_idle && walk_idle),
<%- else %>
      .first_free  (unit_idle[0]),
      .all_idle    (&unit_idle && &port_idle),
<%- endif %>
<%- if batch > 1 %>
      .restart     (clear_history),
<%- if batch_first %>
      .batch_first (batch_first),
<%- endif %>
      .batch_last  (batch_last),
<%- endif %>
<%- if let Some(m) = memory %>
      .hold        (memory_hold),
      .memory_busy (memory_busy),
      .idle        (machine_idle),
<%- endif %>
      .busy        (sequencer_busy),
      .phase       (phase),
      .sample_end  (sample_end)
  );

<%- if let Some(c) = conv %>
  // --- Convolution: windows of the image, errors of the map --------------------------------------------------------------------
  wire                       pair_begin;
  wire                       pair_first;
  wire                       pair_last;
  wire                       map_read;
  wire [${ c.map_beat_bits - 1 }$:0] map_beat;
  wire [${ c.element_bits - 1 }$:0] element;
  wire                       pair_y_valid;
  wire [${ layers[0].y_beat_bits - 1 }$:0] pair_y_beat;
  wire                       pair_y_last;
  wire [${ lanes * error_bits - 1 }$:0] pair_y_data;
<%- if c.winners %>
  wire                       winner_valid;
  wire [${ beat_bits - 1 }$:0] winner_beat;
  wire [${ lanes * c.element_bits as usize - 1 }$:0] winner_data;
<%- endif %>

  ${ name }$_conv_walk #(
      .LANES          (${ lanes }$),
<%- if lanes > 1 %>
      .LANE_BITS      (${ c.lane_bits }$),
<%- endif %>
      .DAC_BITS       (${ dac_bits }$),
      .IMAGE_BEAT_BITS(${ image_beat_bits }$),
      .WORD_BITS      (${ c.word_bits }$),
      .WINDOW         (${ c.window }$),
      .RUN            (${ c.run }$),
      .COUNT_BITS     (${ c.count_bits }$),
      .LINE_GAP       (${ c.line_gap }$),
      .POOL           (${ c.pool }$),
      .POOL_BITS      (${ c.pool_bits }$),
      .ACROSS         (${ c.across }$),
      .ACROSS_BITS    (${ c.across_bits }$),
      .DOWN           (${ c.down }$),
      .DOWN_BITS      (${ c.down_bits }$),
      .PLACE_STEP     (${ c.place_step }$),
      .PLACE_LINE_STEP(${ c.place_line_step }$),
      .PIXEL_STEP     (${ c.pixel_step }$),
      .MAP_LINE_STEP  (${ c.map_line_step }$),
      .X_BEAT_BITS    (${ layers[0].x_beat_bits }$),
      .Y_BEATS        (${ layers[0].y_beats }$),
      .Y_BEAT_BITS    (${ layers[0].y_beat_bits }$),
      .MAP_BEAT_BITS  (${ c.map_beat_bits }$),
      .ELEMENT_BITS   (${ c.element_bits }$)
  ) u_walk (
      .clk       (aclk),
      .rst_n     (rst_n),
      .train     (train),
      .start     (start),
      .image_beat(x_rd_beat),
      .image_data(x_rd_data),
      .image_done(x_done),
      .x_valid   (x_valid),
      .x_beat    (x_beat),
      .x_last    (x_last),
      .x_data    (x_data),
      .read_taken(fwd_start[0]),
      .map_done  (y_valid[0] && y_last),
      .pair_begin(pair_begin),
      .pair_first(pair_first),
      .pair_last (pair_last),
      .map_read  (map_read),
      .map_beat  (map_beat),
      .element   (element),
      .y_valid   (pair_y_valid),
      .y_beat    (pair_y_beat),
      .y_last    (pair_y_last),
      .unit_idle (unit_idle[0]),
      .idle      (walk_idle)
  );

  ${ name }$_conv_errors #(
      .LANES       (${ lanes }$),
      .ERROR_BITS  (${ error_bits }$),
<%- if c.winners %>
      .ELEMENT_BITS(${ c.element_bits }$),
<%- endif %>
      .BEATS       (${ c.map_beats }$),
      .BEAT_BITS   (${ c.map_beat_bits }$)
  ) u_errors (
      .clk         (aclk),
<%- if c.winners %>
      .winner_valid(winner_valid),
      .winner_beat (winner_beat[${ c.map_beat_bits - 1 }$:0]),
      .winner_data (winner_data),
<%- endif %>
      .map_valid   (y_valid[0]),
      .map_beat    (y_beat[${ c.map_beat_bits - 1 }$:0]),
      .map_data    (y_data),
      .rd_en       (map_read),
      .rd_beat     (map_beat),
<%- if c.winners %>
      .element     (element),
<%- endif %>
      .y_data      (pair_y_data)
  );
<%- if c.winners && c.wider %>
  wire unused_winner_beat = &{1'b0, winner_beat[${ beat_bits - 1 }$:${ c.map_beat_bits }$]};
<%- endif %>
  wire unused_pair = &{1'b0<% if !c.winners %>, element<% endif %><% if !c.begins %>, pair_begin<% endif %><% if !c.first %>, pair_first<% endif %><% if !c.last %>, pair_last<% endif %>};
<%- endif %>

  ${ name }$_perf #(
      .LAYERS(${ layers.len() }$)
  ) u_perf (
      .clk         (aclk),
      .rst_n       (rst_n),
      .clear       (clear_counters),
      .phase       (phase),
      .array_busy  (|op_valid),
      .sample_end  (sample_end),
      .slot_start  (slot_start),
      .slot_skipped(slot_skipped),
<%- if let Some(m) = memory %>
<%- for event in m.events %>
      .${ event }$(${ event }$),
<%- endfor %>
<%- endif %>
<%- for counter in counters %>
      .${ counter }$(${ counter }$)<% if !loop.last %>,<% endif %>
<%- endfor %>
  );

<%- if let Some(m) = memory %>

  // --- Memory controller ---------------------------------------------------------------------------------------------------------
  wire [${ layers.len() - 1 }$:0] cell_req;
  wire [${ layers.len() - 1 }$:0] cell_take;
  wire [${ layers.len() - 1 }$:0] cell_end;
  wire [${ layers.len() - 1 }$:0] cell_on;
  wire                       cell_read;
  wire                       pulse_last;
  wire [1:0]                 cell_op;
  wire                       cell_device;
  wire [${ csr_row_bits - 1 }$:0] cell_row;
  wire [${ csr_col_bits - 1 }$:0] cell_col;
  wire [${ m.amp_bits - 1 }$:0] cell_amp;
  wire [${ m.width_bits - 1 }$:0] cell_width;
<%- for event in m.events %>
  wire                       ${ event }$;
<%- endfor %>

  ${ name }$_memory_ctrl u_memory (
      .clk              (aclk),
      .rst_n            (rst_n),
      .machine_idle     (machine_idle),
      .hold             (memory_hold),
<%- for f in m.fields %>
      .${ f.port }$(${ f.name }$),
<%- endfor %>
<%- if m.pair %>
      .trained          (sample_end && train),
<%- endif %>
      .cell_req         (cell_req),
      .cell_take        (|cell_take),
      .cell_end         (|cell_end),
      .cell_code        (
<%- for l in layers %>
          ({${ adc_bits }${cell_end[${ loop.index0 }$]}} & ${ l.name }$_adc_code[${ adc_bits - 1 }$:0])<% if !loop.last %> |<% endif %>
<%- endfor %>
      ),
      .cell_read        (cell_read),
      .pulse_last       (pulse_last),
      .cell_op          (cell_op),
      .cell_device      (cell_device),
      .cell_row         (cell_row),
      .cell_col         (cell_col),
      .cell_amp         (cell_amp),
      .cell_width       (cell_width),
      .cell_on          (cell_on),
<%- for event in m.events %>
      .${ event }$(${ event }$)<% if !loop.last %>,<% endif %>
<%- endfor %>
  );
<%- for l in layers %>
  assign ${ l.name }$_cell_op     = cell_op;
  assign ${ l.name }$_cell_device = cell_device;
  assign ${ l.name }$_cell_row    = cell_row[${ l.row_bits - 1 }$:0];
  assign ${ l.name }$_cell_col    = cell_col[${ l.col_bits - 1 }$:0];
  assign ${ l.name }$_cell_amp    = cell_amp;
  assign ${ l.name }$_cell_width  = cell_width;
  assign ${ l.name }$_cell_on     = cell_on[${ loop.index0 }$];
<%- endfor %>
<%- endif %>

  // --- Read path -----------------------------------------------------------------------------------------------------------------
  wire [${ layers.len() - 1 }$:0] fwd_start;
  wire [${ layers.len() - 1 }$:0] back_start;
  wire [${ layers.len() - 1 }$:0] code_valid;
  wire [${ layers.len() - 1 }$:0] code_last;
  wire                       code_ready;
<%- for l in layers %>
  wire [${ tail_bits - 1 }$:0] ${ l.name }$_code_beats;
<%- endfor %>
<%- if let Some(s) = serial %>
  wire [${ layers.len() - 1 }$:0] plane_first;
  wire [${ layers.len() - 1 }$:0] plane_last;
  wire                       sum_valid;
  wire [${ adcs * adc_bits - 1 }$:0] sum_data;

  ${ name }$_shift_add #(
      .ADCS      (${ adcs }$),
      .ADC_BITS  (${ adc_bits }$),
      .DAC_BITS  (${ dac_bits }$),
      .GROUPS    (${ s.groups }$),
      .GROUP_BITS(${ s.group_bits }$),
      .LAYERS    (${ layers.len() }$)
  ) u_shift_add (
      .clk        (aclk),
      .rst_n      (rst_n),
      .fwd_start  (fwd_start),
      .back_start (back_start),
      .code_valid (|code_valid),
      .code_last  (|(code_valid & code_last)),
      .plane_first(|(code_valid & plane_first)),
      .plane_last (|(code_valid & plane_last)),
      .code_data  (
<%- for l in layers %>
          ({${ adcs * adc_bits }${code_valid[${ loop.index0 }$]}} & ${ l.name }$_adc_code)<% if !loop.last %> |<% endif %>
<%- endfor %>
      ),
      .sum_valid  (sum_valid),
      .sum_data   (sum_data)
  );
<%- endif %>

  ${ name }$_read_path #(
      .ADCS      (${ adcs }$),
      .LANES     (${ lanes }$),
      .ADC_BITS  (${ adc_bits }$),
      .DAC_BITS  (${ dac_bits }$),
      .ERROR_BITS(${ error_bits }$),
      .LAYERS    (${ layers.len() }$),
      .BEAT_BITS (${ beat_bits }$),
      .TAIL_BITS (${ tail_bits }$)
  ) u_read_path (
      .clk       (aclk),
      .rst_n     (rst_n),
      .train     (train),
      .fwd_start (fwd_start),
      .back_start(back_start),
      .code_ready(code_ready),
<%- if let Some(s) = serial %>
      .code_valid(sum_valid),
<%- else %>
      .code_valid(|code_valid),
<%- endif %>
      .code_last (|(code_valid & code_last)),
      .code_beats(
<%- for l in layers %>
          ({${ tail_bits }${code_valid[${ loop.index0 }$]}} & ${ l.name }$_code_beats)<% if !loop.last %> |<% endif %>
<%- endfor %>
      ),
<%- if let Some(s) = serial %>
      .code_data (sum_data),
<%- else %>
      .code_data (
<%- for l in layers %>
          ({${ adcs * adc_bits }${code_valid[${ loop.index0 }$]}} & ${ l.name }$_adc_code)<% if !loop.last %> |<% endif %>
<%- endfor %>
      ),
<%- endif %>
<%- if let Some(c) = conv %>
<%- if c.winners %>
      .winner_valid(winner_valid),
      .winner_beat (winner_beat),
      .winner_data (winner_data),
<%- endif %>
<%- endif %>
      .t_rd_beat (t_rd_beat),
      .t_rd_data (t_rd_data),
      .act_valid (act_valid),
      .act_beat  (act_beat),
      .act_last  (act_last),
      .act_data  (act_data),
      .y_valid   (y_valid),
      .y_beat    (y_beat),
      .y_last    (y_last),
      .y_data    (y_data)<%- if layers.len() > 1 %>,
      .y_drive   (y_drive)<%- endif %>
  );

  ${ name }$_sample_out #(
      .OUTPUTS (${ outputs }$),
      .DAC_BITS(${ dac_bits }$),
      .LANES   (${ lanes }$)
  ) u_sample_out (
      .clk          (aclk),
      .aresetn      (aresetn),
      .rst_n        (rst_n),
      .in_valid     (act_valid[${ layers.len() - 1 }$] && (emit || !train)),
      .in_beat      (act_beat[${ last_beat_bits - 1 }$:0]),
      .in_data      (act_data),
      .free         (out_free),
      .busy         (out_busy),
      .m_axis_tdata (m_axis_tdata),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready),
      .m_axis_tlast (m_axis_tlast)
  );
<%- for l in layers %>

  // --- Layer ${ l.name }$: ${ l.inputs }$ inputs and bias, ${ l.cols }$ outputs, ${ l.activation }$ ----------------------------------------
<%- if !external %>
<%- for a in l.tiles %>
  wire        ${ a.name }$_op_valid;
  wire [${ kind_bits - 1 }$:0]  ${ a.name }$_op_kind;
  wire        ${ a.name }$_op_last;
  wire        ${ a.name }$_op_ready;
<%- if lines %>
  wire [${ a.row_bits - 1 }$:0] ${ a.name }$_line_row;
  wire [${ dac_bits - 1 }$:0] ${ a.name }$_row_code;
  wire [${ a.word_bits - 1 }$:0] ${ a.name }$_line_word;
  wire [${ adcs * mag_bits - 1 }$:0] ${ a.name }$_col_mag;
  wire [${ adcs - 1 }$:0] ${ a.name }$_col_neg;
<%- else %>
  wire [${ a.rows * dac_bits - 1 }$:0] ${ a.name }$_row_code;
<%- if let Some(s) = serial %>
  wire [${ a.rows - 1 }$:0] ${ a.name }$_row_bit;
  wire [${ a.cols - 1 }$:0] ${ a.name }$_col_bit;
<%- endif %>
  wire [${ a.cols * mag_bits - 1 }$:0] ${ a.name }$_col_mag;
  wire [${ a.cols - 1 }$:0] ${ a.name }$_col_neg;
  wire [${ a.cols - 1 }$:0] ${ a.name }$_col_on;
<%- endif %>
  wire [${ l.tile_group_bits - 1 }$:0] ${ a.name }$_adc_group;
  wire        ${ a.name }$_adc_ready;
  wire        ${ a.name }$_adc_valid;
  wire [${ adcs * adc_bits - 1 }$:0] ${ a.name }$_adc_code;
<%- endfor %>
<%- endif %>
<%- if l.tiled %>
  wire [${ kind_bits - 1 }$:0]  ${ l.name }$_op_kind;
<%- if let Some(s) = slices %>
  wire [${ s.number_bits - 1 }$:0]  ${ l.name }$_op_slice;
<%- endif %>
  wire        ${ l.name }$_op_last;
  wire        ${ l.name }$_op_ready;
  wire [${ (l.inputs + 1) * dac_bits - 1 }$:0] ${ l.name }$_row_code;
<%- if let Some(s) = serial %>
  wire [${ l.inputs }$:0] ${ l.name }$_row_bit;
  wire [${ l.cols - 1 }$:0] ${ l.name }$_col_bit;
<%- endif %>
  wire [${ l.cols * mag_bits - 1 }$:0] ${ l.name }$_col_mag;
  wire [${ l.cols - 1 }$:0] ${ l.name }$_col_neg;
  wire [${ l.cols - 1 }$:0] ${ l.name }$_col_on;
<%- if unit.in_array() %>
  wire [15:0] ${ l.name }$_gamma;
<%- endif %>
  wire [${ l.group_bits - 1 }$:0] ${ l.name }$_unused_group;  // tiles count groups of their own
  wire        ${ l.name }$_adc_ready;
  wire        ${ l.name }$_adc_valid;
  wire [${ adcs * adc_bits - 1 }$:0] ${ l.name }$_adc_code;

  ${ name }$_tiles #(
      .ROWS       (${ l.grid.0 }$),
      .COLS       (${ l.grid.1 }$),
<%- if let Some(s) = slices %>
      .SLICES     (${ s.count }$),
      .SLICE_BITS (${ s.number_bits }$),
<%- if s.code_bits > 0 %>
      .SLICE_SHIFT(${ s.code_bits }$),
<%- endif %>
<%- endif %>
      .ADCS       (${ adcs }$),
      .ADC_BITS   (${ adc_bits }$),
      .KIND_BITS  (${ kind_bits }$),
      .FWD_GROUPS (${ l.tile_fwd_groups }$),
      .BACK_GROUPS(${ l.tile_back_groups }$),
      .GROUP_BITS (${ l.tile_group_bits }$),
      .BIAS_ONLY  (${ l.bias_only }$)
  ) u_${ l.name }$_tiles (
      .clk           (aclk),
      .op_valid      (op_valid[${ loop.index0 }$]),
      .op_kind       (${ l.name }$_op_kind),
<%- if slices.is_some() %>
      .op_slice      (${ l.name }$_op_slice),
<%- endif %>
      .op_last       (${ l.name }$_op_last),
      .op_ready      (${ l.name }$_op_ready),
      .adc_ready     (${ l.name }$_adc_ready),
      .adc_valid     (${ l.name }$_adc_valid),
      .adc_code      (${ l.name }$_adc_code),
      .tile_op_valid ({<% for a in l.tiles.iter().rev() %>${ a.name }$_op_valid<% if !loop.last %>, <% endif %><% endfor %>}),
      .tile_op_last  ({<% for a in l.tiles.iter().rev() %>${ a.name }$_op_last<% if !loop.last %>, <% endif %><% endfor %>}),
      .tile_op_ready ({<% for a in l.tiles.iter().rev() %>${ a.name }$_op_ready<% if !loop.last %>, <% endif %><% endfor %>}),
      .tile_adc_group({<% for a in l.tiles.iter().rev() %>${ a.name }$_adc_group<% if !loop.last %>, <% endif %><% endfor %>}),
      .tile_adc_ready({<% for a in l.tiles.iter().rev() %>${ a.name }$_adc_ready<% if !loop.last %>, <% endif %><% endfor %>}),
      .tile_adc_valid({<% for a in l.tiles.iter().rev() %>${ a.name }$_adc_valid<% if !loop.last %>, <% endif %><% endfor %>}),
      .tile_adc_code ({<% for a in l.tiles.iter().rev() %>${ a.name }$_adc_code<% if !loop.last %>, <% endif %><% endfor %>})
  );
<%- for a in l.tiles %>
  assign ${ a.name }$_op_kind  = ${ l.name }$_op_kind;
<%- if unit.in_array() %>
  assign ${ a.name }$_gamma    = ${ l.name }$_gamma;
<%- endif %>
  assign ${ a.name }$_row_code = ${ l.name }$_row_code[${ (a.first_row + a.rows) * dac_bits - 1 }$:${ a.first_row * dac_bits }$];
<%- if let Some(s) = serial %>
  assign ${ a.name }$_row_bit  = ${ l.name }$_row_bit[${ a.first_row + a.rows - 1 }$:${ a.first_row }$];
  assign ${ a.name }$_col_bit  = ${ l.name }$_col_bit[${ a.first_col + a.cols - 1 }$:${ a.first_col }$];
<%- endif %>
  assign ${ a.name }$_col_mag  = ${ l.name }$_col_mag[${ (a.first_col + a.cols) * mag_bits - 1 }$:${ a.first_col * mag_bits }$];
  assign ${ a.name }$_col_neg  = ${ l.name }$_col_neg[${ a.first_col + a.cols - 1 }$:${ a.first_col }$];
  assign ${ a.name }$_col_on   = ${ l.name }$_col_on[${ a.first_col + a.cols - 1 }$:${ a.first_col }$];
<%- endfor %>
<%- endif %>

  ${ name }$_${ l.prefix }$layer #(
      .INPUTS      (${ l.inputs }$),
      .COLS        (${ l.cols }$),
      .DAC_BITS    (${ dac_bits }$),
      .ERROR_BITS  (${ error_bits }$),
      .PULSE_BITS  (${ pulse_bits }$),
      .MAG_BITS    (${ mag_bits }$),
      .PULSE_CYCLES(${ pulse_cycles }$),
      .LANES       (${ lanes }$),
<%- if !lines || ring || unit.sram() %>
      .X_BEATS     (${ l.x_beats }$),
<%- endif %>
      .X_BEAT_BITS (${ l.x_beat_bits }$),
      .Y_BEATS     (${ l.y_beats }$),
      .Y_BEAT_BITS (${ l.y_beat_bits }$),
      .FWD_GROUPS  (${ l.fwd_groups }$),
      .BACK_GROUPS (${ l.back_groups }$),
      .GROUP_BITS  (${ l.group_bits }$),
<%- if let Some(s) = serial %>
      .PLANE_BITS  (${ s.plane_bits }$),
<%- endif %>
      .FWD_TAIL    (${ l.fwd_tail }$),
      .BACK_TAIL   (${ l.back_tail }$),
      .FULL_BEATS  (${ full_beats }$),
      .TAIL_BITS   (${ tail_bits }$),
<%- if lines %>
<%- for a in l.tiles %>
      .ADCS         (${ adcs }$),
      .WORDS        (${ a.words }$),
      .WORD_BITS    (${ a.word_bits }$),
      .LINE_ROW_BITS(${ a.row_bits }$),
<%- endfor %>
<%- endif %>
<%- if ring %>
      .DEPTH       (${ l.depth }$),
      .DEPTH_BITS  (${ l.depth_bits }$),
<%- endif %>
      .BACK        (${ l.back }$),
<%- if let Some(table) = l.pulse_table %>
      .TABLE       (${ table.number }$),
      .QUIET       (${ table.quiet }$),
<%- endif %>
<%- if let Some(local) = local %>
      .DECAY_CYCLES   (${ local.decay }$),
      .TRANSFER_CYCLES(${ local.transfer }$),
<%- endif %>
<%- if let Some(s) = slices %>
<%- if let Some(c) = l.carry %>
      .ROW_BITS    (${ l.row_bits }$),
      .SLICES      (${ s.count }$),
      .SLICE_BITS  (${ s.number_bits }$),
      .EVERY       (${ s.every }$),
      .ADCS        (${ adcs }$),
      .ADC_BITS    (${ adc_bits }$),
      .CODE_UP     (${ c.up }$),
      .CODE_DOWN   (${ c.down }$),
      .COARSE      (${ c.coarse }$),
      .BACK_WIDTH  (${ c.back }$),
<%- endif %>
<%- endif %>
<%- if let Some(t) = l.transfer %>
      .ROW_BITS    (${ l.row_bits }$),
      .ADCS        (${ adcs }$),
      .ADC_BITS    (${ adc_bits }$),
      .EVERY       (${ every }$),
      .RESIDUE_BITS(${ t.bits }$),
      .CODE_SHIFT  (${ t.code_shift }$),
      .STEP_SHIFT  (${ t.step_shift }$),
      .COARSE      (${ t.coarse }$),
      .BACK_SHIFT  (${ t.back_shift }$),
<%- endif %>
<%- if let Some(v) = l.velocity %>
      .ROW_BITS      (${ l.row_bits }$),
      .VELOCITY_BITS (${ v.bits }$),
      .GRADIENT_SHIFT(${ v.gradient_shift }$),
      .STEP_SHIFT    (${ v.step_shift }$),
<%- if let Some(seed) = l.lfsr_seed %>
      .LFSR_SEED     (32'h${ seed }$),
<%- endif %>
      .COARSE        (${ v.coarse }$)
<%- else %>
      .WIDTH_SHIFT (${ l.width_shift }$)
<%- endif %>
  ) u_${ l.name }$ (
      .clk          (aclk),
      .rst_n        (rst_n),
<%- if let Some(f) = factors %>
      .learning_rate(own_scale[23:8]),
<%- else %>
      .learning_rate(learning_rate),
<%- endif %>
<%- if ages > 1 %>
      .factor_valid (factor_valid),
      .factor_age   (factor_age),
      .factor_data  (factor_data),
<%- endif %>
<%- if unit.momentum() %>
<%- if unit.history() && l.conv %>
      .depth        (windows),
<%- else if unit.history() && batch > 1 %>
      .depth        (pairs),
<%- else if unit.history() %>
      .depth        (history),
<%- else %>
      .momentum     (momentum),
<%- endif %>
<%- endif %>
<%- if clears %>
      .clear_history(clear_history),
<%- endif %>
<%- if l.conv %>
<%- if ring %>
      .pair_begin   (pair_begin),
<%- endif %>
<%- if l.batch_first %>
      .batch_first  (<% if batch_first %>batch_first && <% endif %>pair_first),
<%- endif %>
<%- if l.batched %>
      .batch_last   (<% if batch > 1 %>batch_last && <% endif %>pair_last),
<%- endif %>
      .x_valid      (x_valid),
      .x_beat       (x_beat),
      .x_last       (x_last),
      .x_data       (x_data),
      .fwd_enable   (1'b1),
      .y_valid      (pair_y_valid),
      .y_beat       (pair_y_beat),
      .y_last       (pair_y_last),
      .y_data       (pair_y_data),
<%- else %>
<%- if ring %>
      .train        (train),
<%- endif %>
<%- if batch_first %>
      .batch_first  (batch_first),
<%- endif %>
<%- if batch > 1 %>
      .batch_last   (batch_last),
<%- endif %>
<%- if loop.first %>
      .x_valid      (x_valid),
      .x_beat       (x_beat),
      .x_last       (x_last),
      .x_data       (x_rd_data),
      .fwd_enable   (start),
<%- else %>
      .x_valid      (act_valid[${ loop.index0 - 1 }$]),
      .x_beat       (act_beat[${ l.x_beat_bits - 1 }$:0]),
      .x_last       (act_last),
      .x_data       (act_data),
      .fwd_enable   (1'b1),
<%- endif %>
      .y_valid      (y_valid[${ loop.index0 }$]),
      .y_beat       (y_beat[${ l.y_beat_bits - 1 }$:0]),
      .y_last       (y_last),
      .y_data       (y_data),
<%- endif %>
<%- if layers.len() > 1 %>
      .y_drive      (y_drive),
<%- else %>
      .y_drive      (${ lanes * (dac_bits - 1) }$'d0),
<%- endif %>
      .path_ready   (code_ready),
      .fwd_start    (fwd_start[${ loop.index0 }$]),
      .back_start   (back_start[${ loop.index0 }$]),
      .code_valid   (code_valid[${ loop.index0 }$]),
      .code_last    (code_last[${ loop.index0 }$]),
<%- if let Some(s) = serial %>
      .plane_first  (plane_first[${ loop.index0 }$]),
      .plane_last   (plane_last[${ loop.index0 }$]),
<%- endif %>
      .code_beats   (${ l.name }$_code_beats),
<%- if let Some(m) = memory %>
      .cell_req     (cell_req[${ loop.index0 }$]),
      .cell_read    (cell_read),
      .pulse_last   (pulse_last),
      .cell_take    (cell_take[${ loop.index0 }$]),
      .cell_end     (cell_end[${ loop.index0 }$]),
<%- endif %>
      .unit_idle    (unit_idle[${ loop.index0 }$]),
      .port_idle    (port_idle[${ loop.index0 }$]),
      .slot_start   (slot_start[${ loop.index0 }$]),
      .slot_skipped (slot_skipped[${ loop.index0 }$]),
      .op_valid     (op_valid[${ loop.index0 }$]),
      .op_kind      (${ l.name }$_op_kind),
<%- if slices.is_some() %>
      .op_slice     (${ l.name }$_op_slice),
<%- endif %>
      .op_last      (${ l.name }$_op_last),
      .op_ready     (${ l.name }$_op_ready),
<%- if lines %>
      .line_row     (${ l.name }$_line_row),
      .row_code     (${ l.name }$_row_code),
      .line_word    (${ l.name }$_line_word),
      .col_mag      (${ l.name }$_col_mag),
      .col_neg      (${ l.name }$_col_neg),
<%- else %>
      .row_code     (${ l.name }$_row_code),
<%- if let Some(s) = serial %>
      .row_bit      (${ l.name }$_row_bit),
      .col_bit      (${ l.name }$_col_bit),
<%- endif %>
      .col_mag      (${ l.name }$_col_mag),
      .col_neg      (${ l.name }$_col_neg),
      .col_on       (${ l.name }$_col_on),
<%- endif %>
      .adc_group    (${ l.name }$_<% if l.tiled %>unused<% else %>adc<% endif %>_group),
      .adc_ready    (${ l.name }$_adc_ready),
<%- if unit.in_array() %>
      .gamma        (${ l.name }$_gamma),
<%- endif %>
<%- if unit.tiki_taka() || slices.is_some() %>
      .adc_code     (${ l.name }$_adc_code),
<%- endif %>
      .adc_valid    (${ l.name }$_adc_valid)
  );
<%- if !l.tiled %>
  assign ${ l.name }$_op_valid = op_valid[${ loop.index0 }$];
<%- endif %>
<%- if !external %>
<%- let layer_index = loop.index0 %>
<%- for a in l.tiles %>
<%- if l.tiled %>
  wire        ${ a.name }$_host_ready;
  wire [${ state_bits - 1 }$:0] ${ a.name }$_host_rdata;
  // Below the tile's first row or column the difference wraps beyond its last.
  wire [${ csr_row_bits - 1 }$:0] ${ a.name }$_host_row = weight_row - ${ csr_row_bits }$'d${ a.first_row }$;
  wire [${ csr_col_bits - 1 }$:0] ${ a.name }$_host_col = weight_col - ${ csr_col_bits }$'d${ a.first_col }$;
  wire        ${ a.name }$_host_here =
<%- if l.grid.0 > 1 %> (${ a.name }$_host_row <= ${ csr_row_bits }$'d${ a.rows - 1 }$)<% if l.grid.1 > 1 %> &&<% endif %><% endif %>
<%- if l.grid.1 > 1 %> (${ a.name }$_host_col <= ${ csr_col_bits }$'d${ a.cols - 1 }$)<% endif %>;
<%- if a.row_bits < csr_row_bits %>
  wire        ${ a.name }$_unused_row = &{1'b0, ${ a.name }$_host_row[${ csr_row_bits - 1 }$:${ a.row_bits }$]};
<%- endif %>
<%- if a.col_bits < csr_col_bits %>
  wire        ${ a.name }$_unused_col = &{1'b0, ${ a.name }$_host_col[${ csr_col_bits - 1 }$:${ a.col_bits }$]};
<%- endif %>
<%- endif %>

  ${ name }$_array_emulated #(
      .ROWS       (${ a.rows }$),
      .COLS       (${ a.cols }$),
      .DAC_BITS   (${ dac_bits }$),
      .ADC_BITS   (${ adc_bits }$),
      .MAG_BITS   (${ mag_bits }$),
      .STATE_BITS (${ state_bits }$),
      .ADCS       (${ adcs }$),
      .WORDS      (${ a.words }$),
      .ROW_BITS   (${ a.row_bits }$),
      .COL_BITS   (${ a.col_bits }$),
      .WORD_BITS  (${ a.word_bits }$),
      .ADDR_BITS  (${ a.addr_bits }$),
      .GROUP_BITS (${ l.tile_group_bits }$),
      .SUM_BITS   (${ a.sum_bits }$),
      .FWD_SHIFT  (${ l.forward_shift }$),
      .BACK_SHIFT (${ l.backward_shift }$),
<%- if banked %>
      .BANKED     (${ l.banked }$),
<%- endif %>
      .WRITE_SHIFT(${ l.write_shift }$)
  ) u_${ a.name }$_array (
      .clk       (aclk),
      .rst_n     (rst_n),
      .op_valid  (${ a.name }$_op_valid),
      .op_kind   (${ a.name }$_op_kind),
      .op_last   (${ a.name }$_op_last),
      .op_ready  (${ a.name }$_op_ready),
<%- if lines %>
      .line_row  (${ a.name }$_line_row),
      .row_code  (${ a.name }$_row_code),
      .line_word (${ a.name }$_line_word),
      .col_mag   (${ a.name }$_col_mag),
      .col_neg   (${ a.name }$_col_neg),
<%- else %>
      .row_code  (${ a.name }$_row_code),
<%- if let Some(s) = serial %>
      .row_bit   (${ a.name }$_row_bit),
      .col_bit   (${ a.name }$_col_bit),
<%- endif %>
      .col_mag   (${ a.name }$_col_mag),
      .col_neg   (${ a.name }$_col_neg),
      .col_on    (${ a.name }$_col_on),
<%- endif %>
      .adc_group (${ a.name }$_adc_group),
      .adc_ready (${ a.name }$_adc_ready),
      .adc_valid (${ a.name }$_adc_valid),
      .adc_code  (${ a.name }$_adc_code),
<%- if l.tiled %>
      .host_valid(weight_valid && (weight_layer == ${ csr_layer_bits }$'d${ layer_index }$) && ${ a.name }$_host_here),
      .host_write(weight_write),
      .host_row  (${ a.name }$_host_row[${ a.row_bits - 1 }$:0]),
      .host_col  (${ a.name }$_host_col[${ a.col_bits - 1 }$:0]),
      .host_wdata(weight_wdata),
      .host_ready(${ a.name }$_host_ready),
      .host_rdata(${ a.name }$_host_rdata)
<%- else %>
      .host_valid(weight_valid && (weight_layer == ${ csr_layer_bits }$'d${ layer_index }$)),
      .host_write(weight_write),
      .host_row  (weight_row[${ l.row_bits - 1 }$:0]),
      .host_col  (weight_col[${ l.col_bits - 1 }$:0]),
      .host_wdata(weight_wdata),
      .host_ready(host_ready[${ layer_index }$]),
      .host_rdata(${ l.name }$_host_rdata)
<%- endif %>
  );
<%- endfor %>
<%- if l.tiled %>
  assign host_ready[${ layer_index }$] =
<%- for a in l.tiles %>
      ${ a.name }$_host_ready<% if loop.last %>;<% else %> |<% endif %>
<%- endfor %>
  assign ${ l.name }$_host_rdata =
<%- for a in l.tiles %>
      ({${ state_bits }${${ a.name }$_host_ready}} & ${ a.name }$_host_rdata)<% if loop.last %>;<% else %> |<% endif %>
<%- endfor %>
<%- endif %>
<%- endif %>

<%- endfor %>
endmodule
`default_nettype wire
