`default_nettype none
// Read path, shared by all layers (one array reads at a time): ADC codes -> activations and errors.
//
//   codes -> gear -> s0: table look-up, slope memory, target  -> s1: activation out, operands
<%- if deep %>
//      -> l: difference -> s2: product -> p: rounded -> s3: column code -> s4: y out
<%- else %>
//                                                             -> s2: product, rounded -> s3: y out
<%- endif %>
//
// Forward reads: s1 carries the activation beat of the layer that was read. In training the output layer goes on: target minus
// activation, times slope, is its y. Transposed reads of layer l: the codes times the stored slope are y of layer l - 1.
<%- if let Some(s) = softmax %>
// Codes of the output layer go through a softmax instead, whose activations join at s1; y is target minus activation.
<%- endif %>
// Latency from a code's transfer: activation 2 cycles, y <% if deep %>7<% else %>4<% endif %> cycles (one more per further beat of its group).
<%- if let Some(s) = softmax %>
// A vector of the output layer comes later by ${ s.delay }$ cycles.
<%- endif %>
module ${ name }$_read_path #(
    parameter ADCS        = 8,   // codes per group
    parameter LANES       = ${ lanes }$,   // words per beat
    parameter ADC_BITS    = 8,   // bits of an ADC code
    parameter DAC_BITS    = 8,   // bits of an activation; of a slope, too
    parameter ERROR_BITS  = 12,  // bits of a word of y
    parameter LAYERS      = ${ layers }$,   // layers
    parameter BEAT_BITS   = 3,   // bits of the longest vector's beat number
    parameter TAIL_BITS   = 1    // bits of the beats of a group
) (
    input  wire                         clk,
    input  wire                         rst_n,
    input  wire                         train,
    input  wire [LAYERS-1:0]            fwd_start,   // a forward read of this layer starts
    input  wire [LAYERS-1:0]            back_start,  // a transposed read of this layer starts
    output wire                         code_ready,  // a group can be taken
    input  wire                         code_valid,
    input  wire                         code_last,   // last group of the read
    input  wire [TAIL_BITS-1:0]         code_beats,  // beats of the group
    input  wire [ADCS*ADC_BITS-1:0]     code_data,
<%- if let Some(p) = pool %>
<%- if p.max %>
    output wire                         winner_valid,  // places in the pooling window of a beat of the convolution's map
    output wire [BEAT_BITS-1:0]         winner_beat,
    output wire [LANES*${ p.element_bits }$-1:0]           winner_data,
<%- endif %>
<%- endif %>
    output wire [BEAT_BITS-1:0]         t_rd_beat,   // beat of the targets to read, data one cycle later
    input  wire [LANES*DAC_BITS-1:0]    t_rd_data,
    output wire [LAYERS-1:0]            act_valid,   // activation beat of this layer
    output wire [BEAT_BITS-1:0]         act_beat,
    output wire                         act_last,
    output wire [LANES*DAC_BITS-1:0]    act_data,
    output wire [LAYERS-1:0]            y_valid,     // y beat of this layer
    output wire [BEAT_BITS-1:0]         y_beat,
    output wire                         y_last,
    output wire [LANES*ERROR_BITS-1:0]  y_data<%- if multi %>,
    output wire [LANES*(DAC_BITS-1)-1:0] y_drive     // magnitudes of y as column codes, for the transposed read<%- endif %>
);
  localparam OPERAND  = (ADC_BITS > DAC_BITS + 1) ? ADC_BITS : DAC_BITS + 1;
  // Wide enough for the product, its rounding and the limits of y.
  localparam PRODUCT  = (OPERAND + DAC_BITS + 1 > ERROR_BITS) ? OPERAND + DAC_BITS + 2 : ERROR_BITS + 1;
  localparam [BEAT_BITS-1:0] BEAT_ONE = 1;
  localparam USED     = ${ used }$;  // lanes with a word in some layer's vector

  // --- Context: whose read it is. A read is drained before the next one delivers its first code. --------------------------
  reg [LAYERS-1:0] layer_q;
  reg              back_q;
  always @(posedge clk) begin
    if (|fwd_start || |back_start) begin
      layer_q <= fwd_start | back_start;
      back_q  <= |back_start;
    end
  end

  // --- s0: beats ------------------------------------------------------------------------------------------------------------
  wire                      s0_valid;
  wire                      s0_last;
  wire [LANES*ADC_BITS-1:0] s0_code;
  reg  [BEAT_BITS-1:0]      s0_beat_q;
<%- if pool.is_some() %>
  wire                      read_valid;
  wire                      read_last;
  wire [LANES*ADC_BITS-1:0] read_code;
<%- endif %>

  ${ name }$_gear #(
      .WORD(ADC_BITS),
      .IN  (ADCS),
      .OUT (LANES)
  ) u_gear (
      .clk      (clk),
      .rst_n    (rst_n),
      .in_valid (code_valid),
      .in_ready (code_ready),
      .in_last  (code_last),
      .in_beats (code_beats),
      .in_data  (code_data),
<%- if pool.is_some() %>
      .out_valid(read_valid),
      .out_ready(1'b1),
      .out_last (read_last),
      .out_data (read_code)
<%- else %>
      .out_valid(s0_valid),
      .out_ready(1'b1),
      .out_last (s0_last),
      .out_data (s0_code)
<%- endif %>
  );
<%- if let Some(p) = pool %>

  // The first layer is a convolution: a window's reads become one beat of its map.
  wire convolved = layer_q[0] && !back_q;
  ${ name }$_pool #(
      .LANES   (LANES),
      .ADC_BITS(ADC_BITS)
  ) u_pool (
      .clk      (clk),
      .rst_n    (rst_n),
      .active   (convolved),
      .in_valid (read_valid),
      .in_last  (read_last),
      .in_code  (read_code),
      .out_valid(s0_valid),
      .out_last (s0_last),
<%- if p.max %>
      .winner   (winner_data),
<%- endif %>
      .out_code (s0_code)
  );
<%- if p.max %>
  assign winner_valid = s0_valid && convolved;
  assign winner_beat  = s0_beat_q;
<%- endif %>
<%- endif %>

  always @(posedge clk) begin
    if (!rst_n || (s0_valid && s0_last)) s0_beat_q <= {BEAT_BITS{1'b0}};
    else if (s0_valid) s0_beat_q <= s0_beat_q + BEAT_ONE;
  end

<%- if let Some(s) = softmax %>

  wire                      soft_valid;
  wire                      soft_last;
  wire [${ s.beat_bits - 1 }$:0] soft_beat;
  wire [${ s.beat_bits - 1 }$:0] soft_next;
  wire [LANES*DAC_BITS-1:0] soft_act;
  ${ name }$_softmax #(
      .OUTPUTS      (${ s.outputs }$),
      .LANES        (LANES),
      .BEATS        (${ s.beats }$),
      .BEAT_BITS    (${ s.beat_bits }$),
      .ADC_BITS     (ADC_BITS),
      .DAC_BITS     (DAC_BITS),
      .EXP_BITS     (${ s.format.exp_bits }$),
      .SUM_BITS     (${ s.format.sum_bits }$),
      .QUOTIENT_BITS(${ s.format.quotient_bits }$)
  ) u_softmax (
      .clk      (clk),
      .rst_n    (rst_n),
      .in_valid (s0_valid && !back_q && layer_q[LAYERS-1]),
      .in_last  (s0_last),
      .in_code  (s0_code),
      .next_beat(soft_next),
      .out_valid(soft_valid),
      .out_last (soft_last),
      .out_beat (soft_beat),
      .out_data (soft_act)
  );

  assign t_rd_beat = ${ s.next }$;
<%- else %>

  assign t_rd_beat = s0_beat_q;
<%- endif %>

  // --- s1: tables, operands ---------------------------------------------------------------------------------------------------
  reg                      s1_valid_q;
  reg                      s1_last_q;
  reg                      s1_back_q;
  reg [LAYERS-1:0]         s1_layer_q;
  reg [BEAT_BITS-1:0]      s1_beat_q;
<%- if multi %>
  reg [LANES*ADC_BITS-1:0] s1_code_q;
<%- endif %>
  always @(posedge clk) begin
    if (!rst_n) s1_valid_q <= 1'b0;
    else s1_valid_q <= s0_valid;
  end
  always @(posedge clk) begin
    s1_last_q  <= s0_last;
    s1_back_q  <= back_q;
    s1_layer_q <= layer_q;
    s1_beat_q  <= s0_beat_q;
<%- if multi %>
    s1_code_q  <= s0_code;
<%- endif %>
  end

<%- if !tables.is_empty() %>
`ifdef YOSYS
  // A table for each lane: one memory with a port for each lane it maps in time and space exponential in the ports.
  localparam LOOKUPS = 1;
`else
  localparam LOOKUPS = USED;
`endif
<%- endif %>
<%- if used < lanes %>
  wire unused_lanes = &{1'b0, s0_code, t_rd_data};
<%- endif %>
  wire [LANES*DAC_BITS-1:0] s1_act;
  wire [LANES*DAC_BITS-1:0] s1_table_slope;
<%- for table in tables %>
  wire [LANES*DAC_BITS-1:0] act_${ table.suffix }$;
  wire [LANES*DAC_BITS-1:0] slope_${ table.suffix }$;
  generate
    genvar t_${ table.suffix }$;
    for (t_${ table.suffix }$ = 0; t_${ table.suffix }$ < USED / LOOKUPS; t_${ table.suffix }$ = t_${ table.suffix }$ + 1) begin : gen_${ table.suffix }$
      ${ name }$_act_${ table.suffix }$ #(
          .LANES(LOOKUPS)
      ) u_${ table.suffix }$ (
          .clk       (clk),
          .en        (s0_valid && !back_q),
          .code      (s0_code[t_${ table.suffix }$*LOOKUPS*ADC_BITS+:LOOKUPS*ADC_BITS]),
          .activation(act_${ table.suffix }$[t_${ table.suffix }$*LOOKUPS*DAC_BITS+:LOOKUPS*DAC_BITS]),
          .slope     (slope_${ table.suffix }$[t_${ table.suffix }$*LOOKUPS*DAC_BITS+:LOOKUPS*DAC_BITS])
      );
    end
<%- if used < lanes %>
    assign act_${ table.suffix }$[LANES*DAC_BITS-1:USED*DAC_BITS] = {(LANES - USED) * DAC_BITS{1'b0}};
    assign slope_${ table.suffix }$[LANES*DAC_BITS-1:USED*DAC_BITS] = {(LANES - USED) * DAC_BITS{1'b0}};
<%- endif %>
  endgenerate
<%- endfor %>
<%- if softmax.is_some() %>

  // A slope of 1: the error of the cross-entropy is target minus activation.
  wire [LANES*DAC_BITS-1:0] slope_one = {LANES{1'b1, {(DAC_BITS - 1) {1'b0}}}};
<%- endif %>
<%- if sources.len() == 1 %>
  assign s1_act         = ${ sources[0].activation }$;
  assign s1_table_slope = ${ sources[0].slope }$;
<%- else %>
  assign s1_act =
<%- for source in sources %>
      ({LANES * DAC_BITS{|(s1_layer_q & ${ layers }$'b${ source.mask }$)}} & ${ source.activation }$)<% if loop.last %>;<% else %> |<% endif %>
<%- endfor %>
  assign s1_table_slope =
<%- for source in sources %>
      ({LANES * DAC_BITS{|(s1_layer_q & ${ layers }$'b${ source.mask }$)}} & ${ source.slope }$)<% if loop.last %>;<% else %> |<% endif %>
<%- endfor %>
<%- endif %>
<%- if let Some(s) = softmax %>

  // The softmax delivers while the context is still that of the output layer's forward read.
  wire                 s1_valid = soft_valid || (s1_valid_q && (s1_back_q || !s1_layer_q[LAYERS-1]));
  wire                 s1_last  = soft_valid ? soft_last : s1_last_q;
  wire [BEAT_BITS-1:0] s1_beat  = soft_valid ? ${ s.beat }$ : s1_beat_q;
<%- endif %>

  assign act_valid = (${ s1.valid }$ && !s1_back_q) ? s1_layer_q : {LAYERS{1'b0}};
  assign act_beat  = ${ s1.beat }$;
  assign act_last  = ${ s1.last }$;
  assign act_data  = s1_act;
<%- if multi %>

  // Slopes of the hidden layers wait here for the transposed read of the layer after them.
  localparam SLOPE_DEPTH     = ${ slope_depth }$;
  localparam SLOPE_ADDR_BITS = ${ slope_addr_bits }$;
  wire [LANES*DAC_BITS-1:0] s1_slope;
  reg  [SLOPE_ADDR_BITS-1:0] slope_wr_addr;
  reg  [SLOPE_ADDR_BITS-1:0] slope_rd_addr;
  always @* begin
    slope_wr_addr = {SLOPE_ADDR_BITS{1'b0}};
    slope_rd_addr = {SLOPE_ADDR_BITS{1'b0}};
<%- for base in slope_bases %>
    if (s1_layer_q[${ loop.index0 }$]) slope_wr_addr = ${ slope_addr_bits }$'d${ base }$ + ${ slope_wr_beat }$;
    if (layer_q[${ loop.index0 + 1 }$]) slope_rd_addr = ${ slope_addr_bits }$'d${ base }$ + ${ slope_rd_beat }$;
<%- endfor %>
  end

  ${ name }$_vector_mem #(
      .WIDTH    (LANES * DAC_BITS),
      .DEPTH    (SLOPE_DEPTH),
      .ADDR_BITS(SLOPE_ADDR_BITS)
  ) u_slopes (
      .clk    (clk),
      .wr_en  (s1_valid_q && !s1_back_q && !s1_layer_q[LAYERS-1]),
      .wr_addr(slope_wr_addr),
      .wr_data(s1_table_slope),
      .rd_en  (s0_valid && back_q),
      .rd_addr(slope_rd_addr),
      .rd_data(s1_slope)
  );

<%- endif %>
  // --- s2: operand and slope; lanes beyond the layer's last word are silenced by a zero slope ------------------------------------
  wire [LAYERS-1:0] s1_dest = s1_back_q ? s1_layer_q >> 1 : s1_layer_q;
  reg  [LANES-1:0]  s1_lanes;
  always @* begin
    s1_lanes = {LANES{1'b1}};
<%- for mask in lane_masks %>
    if (${ s1.last }$ && s1_dest[${ loop.index0 }$]) s1_lanes = ${ lanes }$'b${ mask }$;
<%- endfor %>
  end

<% if deep %>  // What comes late out of tables and memories begins a cycle anew before the subtraction.
<% endif %>  reg                      ${ first }$_valid_q;
  reg                      ${ first }$_last_q;
  reg [LAYERS-1:0]         ${ first }$_dest_q;
  reg [BEAT_BITS-1:0]      ${ first }$_beat_q;
  reg [LANES*OPERAND-1:0]  ${ first }$_operand_q;<% if deep %>  // code or target,<% endif %>
<%- if deep %>
  reg [LANES*DAC_BITS-1:0] l_act_q;  // less the activation
<%- endif %>
  reg [LANES*DAC_BITS-1:0] ${ first }$_slope_q;
  always @(posedge clk) begin
    if (!rst_n) ${ first }$_valid_q <= 1'b0;
    else ${ first }$_valid_q <= ${ s1.valid }$ && (s1_back_q || (s1_layer_q[LAYERS-1] && train));
  end

  integer i;
  always @(posedge clk) begin
    // Only when a beat is there: idle lanes keep their inputs, and with them their power.
    if (${ s1.valid }$) begin
      ${ first }$_last_q <= ${ s1.last }$;
      ${ first }$_dest_q <= s1_dest;
      ${ first }$_beat_q <= ${ s1.beat }$;
<%- if used < lanes %>
      ${ first }$_operand_q <= {LANES * OPERAND{1'b0}};
<%- if deep %>
      l_act_q <= {LANES * DAC_BITS{1'b0}};
<%- endif %>
      ${ first }$_slope_q <= {LANES * DAC_BITS{1'b0}};
<%- endif %>
      for (i = 0; i < USED; i = i + 1) begin
<%- if multi %>
        ${ first }$_operand_q[i*OPERAND+:OPERAND] <= s1_back_q ?
            {{(OPERAND - ADC_BITS + 1) {s1_code_q[i*ADC_BITS+ADC_BITS-1]}}, s1_code_q[i*ADC_BITS+:ADC_BITS-1]} :
<%- else %>
        ${ first }$_operand_q[i*OPERAND+:OPERAND] <=
<%- endif %>
            {{(OPERAND - DAC_BITS + 1) {t_rd_data[i*DAC_BITS+DAC_BITS-1]}}, t_rd_data[i*DAC_BITS+:DAC_BITS-1]}
<%- if deep %>;
        l_act_q[i*DAC_BITS+:DAC_BITS] <= <% if multi %>s1_back_q ? {DAC_BITS{1'b0}} : <% endif %>s1_act[i*DAC_BITS+:DAC_BITS];
<%- else %> -
            {{(OPERAND - DAC_BITS + 1) {s1_act[i*DAC_BITS+DAC_BITS-1]}}, s1_act[i*DAC_BITS+:DAC_BITS-1]};
<%- endif %>
<%- if multi %>
        ${ first }$_slope_q[i*DAC_BITS+:DAC_BITS] <= !s1_lanes[i] ? {DAC_BITS{1'b0}} :
            s1_back_q ? s1_slope[i*DAC_BITS+:DAC_BITS] : s1_table_slope[i*DAC_BITS+:DAC_BITS];
<%- else %>
        ${ first }$_slope_q[i*DAC_BITS+:DAC_BITS] <= s1_lanes[i] ? s1_table_slope[i*DAC_BITS+:DAC_BITS] : {DAC_BITS{1'b0}};
<%- endif %>
      end
    end
  end
<%- if deep %>

  reg                      s2_valid_q;
  reg                      s2_last_q;
  reg [LAYERS-1:0]         s2_dest_q;
  reg [BEAT_BITS-1:0]      s2_beat_q;
  reg [LANES*OPERAND-1:0]  s2_operand_q;
  reg [LANES*DAC_BITS-1:0] s2_slope_q;
  always @(posedge clk) begin
    if (!rst_n) s2_valid_q <= 1'b0;
    else s2_valid_q <= l_valid_q;
  end

  integer l;
  always @(posedge clk) begin
    if (l_valid_q) begin
      s2_last_q  <= l_last_q;
      s2_dest_q  <= l_dest_q;
      s2_beat_q  <= l_beat_q;
      s2_slope_q <= l_slope_q;
      for (l = 0; l < LANES; l = l + 1) begin
        s2_operand_q[l*OPERAND+:OPERAND] <= l_operand_q[l*OPERAND+:OPERAND] -
            {{(OPERAND - DAC_BITS + 1) {l_act_q[l*DAC_BITS+DAC_BITS-1]}}, l_act_q[l*DAC_BITS+:DAC_BITS-1]};
      end
    end
  end

  // --- p: product, for multipliers made of logic and slow ones -------------------------------------------------------------------
  reg                      p_valid_q;
  reg                      p_last_q;
  reg [LAYERS-1:0]         p_dest_q;
  reg [BEAT_BITS-1:0]      p_beat_q;
  reg [LANES*PRODUCT-1:0]  p_product_q;
  always @(posedge clk) begin
    if (!rst_n) p_valid_q <= 1'b0;
    else p_valid_q <= s2_valid_q;
  end

  integer m;
  always @(posedge clk) begin
    if (s2_valid_q) begin
      p_last_q <= s2_last_q;
      p_dest_q <= s2_dest_q;
      p_beat_q <= s2_beat_q;
      for (m = 0; m < LANES; m = m + 1)
        p_product_q[m*PRODUCT+:PRODUCT] <= product_of(s2_operand_q[m*OPERAND+:OPERAND], s2_slope_q[m*DAC_BITS+:DAC_BITS]);
    end
  end

  // --- s3: rounded (half towards plus infinity), saturated symmetrically ------------------------------------------------------------
<%- else %>
  // --- s3: product, rounded (half towards plus infinity), saturated symmetrically ---------------------------------------------------
<%- endif %>
  localparam signed [PRODUCT-1:0] ONE   = 1;
  localparam [ERROR_BITS-1:0] Y_MAX = {1'b0, {(ERROR_BITS - 1) {1'b1}}};
  localparam [ERROR_BITS-1:0] Y_ONE = 1;
<%- if error_shifts.len() == 1 %>
  localparam SHIFT = ${ error_shifts[0].0 }$;
  localparam signed [PRODUCT-1:0] HALF = (SHIFT == 0) ? {PRODUCT{1'b0}} : (ONE << SHIFT) >>> 1;
<%- else %>
  reg        [5:0]         shift;
  always @* begin
    shift = 6'd0;
<%- for s in error_shifts %>
    if (|(${ product }$_dest_q & ${ layers }$'b${ s.1 }$)) shift = 6'd${ s.0 }$;
<%- endfor %>
  end
<%- endif %>

  function [ERROR_BITS-1:0] saturated;
    input signed [PRODUCT-1:0] value;
    begin
      // The bits from the sign on are alike where it fits.
      saturated = value[ERROR_BITS-1:0];
      if (value[PRODUCT-1:ERROR_BITS-1] != {(PRODUCT - ERROR_BITS + 1) {value[PRODUCT-1]}}) saturated = value[PRODUCT-1] ? ~Y_MAX : Y_MAX;
    end
  endfunction

  // The least value has no opposite.
  function [ERROR_BITS-1:0] symmetric;
    input [ERROR_BITS-1:0] value;
    symmetric = (value == ~Y_MAX) ? ~Y_MAX + Y_ONE : value;
  endfunction

<%- if multi %>

  // Column code of a transposed read: y rounded to DAC_BITS, saturated symmetrically.
  // The magnitude of a negative y is ~y + 1; the half that rounds it is less by one, so that both together add HALF to ~y.
  localparam DRIVE_SHIFT = ERROR_BITS - DAC_BITS;
  localparam [ERROR_BITS-1:0] DRIVE_ONE  = 1;
  localparam [ERROR_BITS-1:0] DRIVE_HALF = (DRIVE_SHIFT == 0) ? {ERROR_BITS{1'b0}} : (DRIVE_ONE << DRIVE_SHIFT) >> 1;

  function [DAC_BITS-2:0] drive_of;
    input [ERROR_BITS-1:0] value;
    reg [ERROR_BITS-1:0] rounded;
    begin
      rounded = (value ^ {ERROR_BITS{value[ERROR_BITS-1]}}) + DRIVE_HALF;
      if (DRIVE_SHIFT == 0) rounded = rounded + {{(ERROR_BITS - 1) {1'b0}}, value[ERROR_BITS-1]};
      rounded = rounded >> DRIVE_SHIFT;
      drive_of = rounded[DAC_BITS-2:0] | {(DAC_BITS - 1) {|rounded[ERROR_BITS-1:DAC_BITS-1]}};
    end
  endfunction

<%- endif %>

  reg                            s3_valid_q;
  reg                            s3_last_q;
  reg [LAYERS-1:0]               s3_dest_q;
  reg [BEAT_BITS-1:0]            s3_beat_q;
  reg [LANES*ERROR_BITS-1:0]     s3_y_q;
<%- if multi && !deep %>
  reg [LANES*(DAC_BITS-1)-1:0]   s3_drive_q;
<%- endif %>
  always @(posedge clk) begin
    if (!rst_n) s3_valid_q <= 1'b0;
    else s3_valid_q <= ${ product }$_valid_q;
  end

  // Operand (two's complement) times slope (unsigned).
  function [PRODUCT-1:0] product_of;
    input [OPERAND-1:0]  operand;
    input [DAC_BITS-1:0] slope;
    reg signed [PRODUCT-1:0] product;
    begin
      product    = {{(PRODUCT - OPERAND + 1) {operand[OPERAND-1]}}, operand[OPERAND-2:0]};
      product_of = product * $signed({{(PRODUCT - DAC_BITS) {1'b0}}, slope});
    end
  endfunction

  // y of one lane: the product, rounded and saturated<% if deep %>, but for the least value<% endif %>.
  function [ERROR_BITS-1:0] y_of;
    input signed [PRODUCT-1:0] product;
<%- if error_shifts.len() == 1 %>
    y_of = <% if !deep %>symmetric(<% endif %>saturated((product + HALF) >>> SHIFT)<% if !deep %>)<% endif %>;
<%- else %>
    input [5:0]                by;
    y_of = <% if !deep %>symmetric(<% endif %>saturated((product + ((ONE << by) >>> 1)) >>> by)<% if !deep %>)<% endif %>;
<%- endif %>
  endfunction

  integer j;
  always @(posedge clk) begin
    if (${ product }$_valid_q) begin
      s3_last_q <= ${ product }$_last_q;
      s3_dest_q <= ${ product }$_dest_q;
      s3_beat_q <= ${ product }$_beat_q;
      for (j = 0; j < LANES; j = j + 1) begin
        s3_y_q[j*ERROR_BITS+:ERROR_BITS] <= y_of(<% if deep %>p_product_q[j*PRODUCT+:PRODUCT]<% else %>product_of(s2_operand_q[j*OPERAND+:OPERAND], s2_slope_q[j*DAC_BITS+:DAC_BITS])<% endif %><% if error_shifts.len() > 1 %>, shift<% endif %>);
<%- if multi && !deep %>
        s3_drive_q[j*(DAC_BITS-1)+:DAC_BITS-1] <= drive_of(y_of(<% if deep %>p_product_q[j*PRODUCT+:PRODUCT]<% else %>product_of(s2_operand_q[j*OPERAND+:OPERAND], s2_slope_q[j*DAC_BITS+:DAC_BITS])<% endif %><% if error_shifts.len() > 1 %>, shift<% endif %>));
<%- endif %>
      end
    end
  end

<%- if deep %>

  // --- s4: with it its column code ---------------------------------------------------------------------------------------------------
  reg                            s4_valid_q;
  reg                            s4_last_q;
  reg [LAYERS-1:0]               s4_dest_q;
  reg [BEAT_BITS-1:0]            s4_beat_q;
  reg [LANES*ERROR_BITS-1:0]     s4_y_q;
<%- if multi %>
  reg [LANES*(DAC_BITS-1)-1:0]   s4_drive_q;
<%- endif %>
  integer d;
  always @(posedge clk) begin
    if (!rst_n) s4_valid_q <= 1'b0;
    else s4_valid_q <= s3_valid_q;
  end
  always @(posedge clk) begin
    if (s3_valid_q) begin
      s4_last_q <= s3_last_q;
      s4_dest_q <= s3_dest_q;
      s4_beat_q <= s3_beat_q;
      for (d = 0; d < LANES; d = d + 1) begin
        s4_y_q[d*ERROR_BITS+:ERROR_BITS] <= symmetric(s3_y_q[d*ERROR_BITS+:ERROR_BITS]);
<%- if multi %>
        // The least value has the code of the one above it.
        s4_drive_q[d*(DAC_BITS-1)+:DAC_BITS-1] <= drive_of(s3_y_q[d*ERROR_BITS+:ERROR_BITS]);
<%- endif %>
      end
    end
  end
<%- endif %>

  assign y_valid = ${ out }$_valid_q ? ${ out }$_dest_q : {LAYERS{1'b0}};
  assign y_beat  = ${ out }$_beat_q;
  assign y_last  = ${ out }$_last_q;
  assign y_data  = ${ out }$_y_q;
<%- if multi %>
  assign y_drive = ${ out }$_drive_q;
<%- endif %>
endmodule
`default_nettype wire
