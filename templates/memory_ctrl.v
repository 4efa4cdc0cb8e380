`default_nettype none
// Memory controller: programs memristors one by one to target codes by write-verify, and reads them back.
//
// Write-verify of a cell: read it; within the tolerance it is done; below, a SET pulse follows, above, a RESET pulse, and the
// next read. Pulses of one polarity grow along two nested loops, amplitude and width, from start by step up to stop; a change of
// polarity begins at the start values again, and the strongest pulse is repeated. The cell fails when it has taken
// `attempts` pulses and is still outside.
// A command works on the columns `first_col` to `last_col` of one row: targets come from the target memory, codes and failures go
// to the result memory.
<%- if pair %>
// Refresh: after every `refresh_every` training samples, or on command, all pairs are read. Where the larger code is above
// `upper` and the smaller one above `lower`, both devices are RESET to `floor`, and the difference is SET on the one that was larger.
// The sequencer holds the next sample as long as `hold` is high.
<%- endif %>
// Latency in cycles, with R of a read and setup + width of a pulse at the macro: a programmed cell takes 3 + reads * (2 + R) and
// 1 + setup + width for each pulse; a cell that is only read 2 + R<% if pair %>, a pair that needs no refresh 4 + 2 * R<% endif %>.
module ${ name }$_memory_ctrl #(
    parameter LAYERS     = ${ layers.len() }$,
    parameter LAYER_BITS = ${ layer_bits }$,
    parameter ROW_BITS   = ${ row_bits }$,
    parameter COL_BITS   = ${ col_bits }$,
    parameter COLS       = ${ cols }$,  // columns of the widest array
    parameter ADC_BITS   = ${ adc_bits }$,
    parameter CODE_BITS  = ${ code_bits }$,  // bits of a conductance code: an ADC code without its sign
    parameter AMP_BITS   = ${ amp_bits }$,
    parameter WIDTH_BITS = ${ width_bits }$,
    parameter SETUP_BITS = ${ setup_bits }$,
    parameter COUNT_BITS = ${ count_bits }$   // bits of the numbers of attempts<% if pair %> and samples<% endif %>
) (
    input  wire                  clk,
    input  wire                  rst_n,
    // Commands: pulses, taken when no sample is in the machine and no command runs, else refused.
    input  wire                  program_row,     // program first_col to last_col to the targets
    input  wire                  read_row,        // read first_col to last_col
<%- if pair %>
    input  wire                  refresh_now,     // refresh all pairs
<%- endif %>
    input  wire                  machine_idle,    // no sample is in the machine
    output wire                  hold,            // no sample may start
    output wire                  busy,            // a command runs
    output wire                  refused,         // pulse: a command was refused, or its cells do not exist
    output wire                  cell_failed,     // pulse: a cell could not be programmed
    // Cells of the next command.
    input  wire [LAYER_BITS-1:0] layer,
    input  wire                  device,          // 0, or 1 for the negative device of a pair
    input  wire [ROW_BITS-1:0]   row,
    input  wire [COL_BITS-1:0]   first_col,
    input  wire [COL_BITS-1:0]   last_col,
    // Target and result memory.
    input  wire                  store,           // pulse: keep `target` for column `column`
    input  wire [COL_BITS-1:0]   column,
    input  wire [CODE_BITS-1:0]  target,
    output wire [CODE_BITS-1:0]  result,          // last code of column `column`, two cycles after it was named
    output wire                  result_failed,   // that cell could not be programmed
    // Last cell that failed.
    output wire [LAYER_BITS-1:0] failed_layer,
    output wire                  failed_device,
    output wire [ROW_BITS-1:0]   failed_row,
    output wire [COL_BITS-1:0]   failed_col,
    // Settings: they do not change while `busy`.
    input  wire                  width_inner,     // the width is the inner loop, else the amplitude
    input  wire                  skip_failed,     // go on with the next cell after a failure
    input  wire [CODE_BITS-1:0]  tolerance,       // codes to both sides of the target
    input  wire [COUNT_BITS-1:0] attempts,        // most pulses on a cell
    input  wire [SETUP_BITS-1:0] setup,           // cycles from the new address to the pulse
    input  wire [AMP_BITS-1:0]   set_amp_start,
    input  wire [AMP_BITS-1:0]   set_amp_stop,
    input  wire [AMP_BITS-1:0]   set_amp_step,
    input  wire [WIDTH_BITS-1:0] set_width_start, // cycles
    input  wire [WIDTH_BITS-1:0] set_width_stop,
    input  wire [WIDTH_BITS-1:0] set_width_step,
    input  wire [AMP_BITS-1:0]   reset_amp_start,
    input  wire [AMP_BITS-1:0]   reset_amp_stop,
    input  wire [AMP_BITS-1:0]   reset_amp_step,
    input  wire [WIDTH_BITS-1:0] reset_width_start,
    input  wire [WIDTH_BITS-1:0] reset_width_stop,
    input  wire [WIDTH_BITS-1:0] reset_width_step,
<%- if pair %>
    input  wire [COUNT_BITS-1:0] refresh_every,   // training samples between two refreshes, 0: none
    input  wire [CODE_BITS-1:0]  upper,           // a pair is refreshed when its larger code is above this,
    input  wire [CODE_BITS-1:0]  lower,           // and its smaller one above this
    input  wire [CODE_BITS-1:0]  floor,           // code of a RESET device
    input  wire                  trained,         // pulse: a training sample ends with this cycle
<%- endif %>
    // Array ports.
    output wire [LAYERS-1:0]     cell_req,        // a cell operation waits
    input  wire                  cell_take,       // it begins in the next cycle
    input  wire                  cell_end,        // it ends with this cycle
    input  wire [ADC_BITS-1:0]   cell_code,       // code of a read, with cell_end
    output wire                  cell_read,       // it is a read
    output wire                  pulse_last,      // the pulse is in its last cycle or over
    // Array macros, see docs/array-macro.md.
    output wire [1:0]            cell_op,         // 0 read, 1 SET, 2 RESET
    output wire                  cell_device,
    output wire [ROW_BITS-1:0]   cell_row,
    output wire [COL_BITS-1:0]   cell_col,
    output wire [AMP_BITS-1:0]   cell_amp,
    output wire [WIDTH_BITS-1:0] cell_width,
    output wire [LAYERS-1:0]     cell_on,
    // Events, pulses.
    output wire                  count_set,
    output wire                  count_reset,
    output wire                  count_read,
    output wire                  count_success,
    output wire                  count_failure<% if pair %>,
    output wire                  count_refreshed<% endif %>
);
  localparam [1:0] OP_READ  = 2'd0;
  localparam [1:0] OP_SET   = 2'd1;
  localparam [1:0] OP_RESET = 2'd2;
  localparam [2:0] ST_IDLE   = 3'd0;
  localparam [2:0] ST_FETCH  = 3'd1;
  localparam [2:0] ST_TARGET = 3'd2;
  localparam [2:0] ST_READ   = 3'd3;
  localparam [2:0] ST_JUDGE  = 3'd4;
  localparam [2:0] ST_PULSE  = 3'd5;
  localparam [2:0] ST_STORE  = 3'd6;
<%- if pair %>
  localparam [2:0] ST_PAIR   = 3'd7;
  // Steps of a refresh.
  localparam [2:0] STEP_READ_0  = 3'd0;
  localparam [2:0] STEP_READ_1  = 3'd1;
  localparam [2:0] STEP_RESET_0 = 3'd2;
  localparam [2:0] STEP_RESET_1 = 3'd3;
  localparam [2:0] STEP_SET     = 3'd4;
<%- endif %>
  localparam [COL_BITS-1:0]   COL_ONE   = 1;
  localparam [COUNT_BITS-1:0] COUNT_ONE = 1;
<%- if pair %>
  localparam [ROW_BITS-1:0]   ROW_ONE   = 1;
  localparam [LAYER_BITS-1:0] LAYER_ONE = 1;
<%- endif %>

  reg [2:0]            state_q, state_d;
  reg                  verify_q;  // the command programs
<%- if pair %>
  reg                  refresh_q;
  reg [2:0]            step_q;
<%- endif %>
  reg [LAYER_BITS-1:0] layer_q;
  reg                  device_q;
  reg [ROW_BITS-1:0]   row_q;
  reg [COL_BITS-1:0]   col_q;
  reg [CODE_BITS-1:0]  target_q;
  reg [CODE_BITS-1:0]  code_q;
  reg [COUNT_BITS-1:0] pulses_q;
  reg                  fresh_q;   // no pulse yet of this polarity
  reg                  down_q;    // polarity of the last pulse: RESET
  reg [AMP_BITS-1:0]   amp_q;
  reg [WIDTH_BITS-1:0] width_q;
  reg                  failed_q;
  reg                  asked_q;   // the port has taken the operation

  // --- Which cells there are -----------------------------------------------------------------------------------------------
<%- if pair %>
  wire [LAYER_BITS-1:0] shape_layer = (state_q == ST_IDLE) ? layer : layer_q;
<%- else %>
  wire [LAYER_BITS-1:0] shape_layer = layer;
<%- endif %>
  reg [ROW_BITS-1:0] row_end;
  reg [COL_BITS-1:0] col_end;
  always @* begin
    case (shape_layer)
<%- for l in layers %>
      <% if loop.last %>default<% else %>${ layer_bits }$'d${ loop.index0 }$<% endif %>: begin
        row_end = ${ row_bits }$'d${ l.0 }$;
        col_end = ${ col_bits }$'d${ l.1 }$;
      end
<%- endfor %>
    endcase
  end
  wire cells_exist = (row <= row_end) && (last_col <= col_end) && (first_col <= last_col);

  // --- Commands --------------------------------------------------------------------------------------------------------------
  wire free       = (state_q == ST_IDLE) && machine_idle;
  wire take_row   = free && cells_exist && (program_row || read_row);
<%- if pair %>
  reg [COUNT_BITS-1:0] samples_q;
  wire refresh_next = (refresh_every != {COUNT_BITS{1'b0}}) && (samples_q + COUNT_ONE >= refresh_every);
  wire refresh_due  = trained && refresh_next;
  wire take_refresh = refresh_due || (free && refresh_now);
  wire starts       = take_row || take_refresh;

  always @(posedge clk) begin
    if (!rst_n || take_refresh) samples_q <= {COUNT_BITS{1'b0}};
    else if (trained) samples_q <= samples_q + COUNT_ONE;
  end
<%- else %>
  wire starts     = take_row;
<%- endif %>

  // In the command's own cycle, so that a host that has its answer already finds the flag.
  assign refused = <% if pair %>((program_row || read_row) && !take_row) || (refresh_now && !take_refresh)<% else %>(program_row || read_row) && !take_row<% endif %>;

  // --- Judgement: sums with one bit more, so that the band never wraps ------------------------------------------------------
  wire [CODE_BITS:0] band_top = {1'b0, target_q} + {1'b0, tolerance};
  wire [CODE_BITS:0] code_top = {1'b0, code_q} + {1'b0, tolerance};
  wire too_high = {1'b0, code_q} > band_top;
<%- if pair %>
  // A RESET device may lie below its target.
  wire to_floor = refresh_q && (step_q != STEP_SET);
  wire too_low  = (code_top < {1'b0, target_q}) && !to_floor;
<%- else %>
  wire too_low  = code_top < {1'b0, target_q};
<%- endif %>
  wire on_target = !too_high && !too_low;
  wire give_up   = !on_target && (pulses_q == attempts);

  // --- Next pulse -----------------------------------------------------------------------------------------------------------------
  wire [AMP_BITS-1:0]   amp_start   = too_high ? reset_amp_start : set_amp_start;
  wire [AMP_BITS-1:0]   amp_stop    = too_high ? reset_amp_stop : set_amp_stop;
  wire [AMP_BITS-1:0]   amp_step    = too_high ? reset_amp_step : set_amp_step;
  wire [WIDTH_BITS-1:0] width_start = too_high ? reset_width_start : set_width_start;
  wire [WIDTH_BITS-1:0] width_stop  = too_high ? reset_width_stop : set_width_stop;
  wire [WIDTH_BITS-1:0] width_step  = too_high ? reset_width_step : set_width_step;
  wire [AMP_BITS:0]     amp_next    = {1'b0, amp_q} + {1'b0, amp_step};
  wire [WIDTH_BITS:0]   width_next  = {1'b0, width_q} + {1'b0, width_step};
  wire amp_over   = amp_next > {1'b0, amp_stop};
  wire width_over = width_next > {1'b0, width_stop};
  wire strongest  = amp_over && width_over;
  wire restart    = fresh_q || (too_high != down_q);
  // The inner loop moves unless it is through; then it begins anew and the outer one moves.
  wire amp_moves   = !strongest && (width_inner ? width_over : !amp_over);
  wire width_moves = !strongest && (width_inner ? !width_over : amp_over);
  wire amp_back    = !strongest && !width_inner && amp_over;
  wire width_back  = !strongest && width_inner && width_over;

  // --- Next state -----------------------------------------------------------------------------------------------------------------
  wire last_cell = (state_q == ST_STORE) && ((col_q == last_col) || (failed_q && !skip_failed));
<%- if pair %>
  wire [CODE_BITS-1:0] minus_code = code_q;
  reg  [CODE_BITS-1:0] plus_q;
  reg                  plus_larger_q;
  reg  [CODE_BITS-1:0] difference_q;
  wire plus_larger = plus_q > minus_code;
  wire [CODE_BITS-1:0] larger  = plus_larger ? plus_q : minus_code;
  wire [CODE_BITS-1:0] smaller = plus_larger ? minus_code : plus_q;
  wire worn      = (larger > upper) && (smaller > lower);
  wire pair_end  = (state_q == ST_PAIR) ? (step_q == STEP_READ_1) && !worn
                 : (state_q == ST_STORE) && refresh_q && ((step_q == STEP_SET) || (step_q == STEP_RESET_1) && (difference_q == {CODE_BITS{1'b0}}));
  localparam [31:0] LAYER_LAST = LAYERS - 1;
  wire last_pair = (col_q == col_end) && (row_q == row_end) && (layer_q == LAYER_LAST[LAYER_BITS-1:0]);
<%- endif %>

  always @* begin
    state_d = state_q;
    case (state_q)
<%- if pair %>
      // A row command and a due refresh never meet: the one needs an idle machine, the other the end of a sample.
      ST_IDLE:   if (starts) state_d = (program_row && !take_refresh) ? ST_FETCH : ST_READ;
<%- else %>
      ST_IDLE:   if (starts) state_d = program_row ? ST_FETCH : ST_READ;
<%- endif %>
      // The target memory answers one cycle after its address.
      ST_FETCH:  state_d = ST_TARGET;
      ST_TARGET: state_d = ST_READ;
<%- if pair %>
      ST_READ:   if (cell_end) state_d = verify_q ? ST_JUDGE : refresh_q ? ST_PAIR : ST_STORE;
<%- else %>
      ST_READ:   if (cell_end) state_d = verify_q ? ST_JUDGE : ST_STORE;
<%- endif %>
      ST_JUDGE:  state_d = (on_target || give_up) ? ST_STORE : ST_PULSE;
      ST_PULSE:  if (cell_end) state_d = ST_READ;
<%- if pair %>
      ST_STORE: begin
        if (refresh_q) state_d = (pair_end && last_pair) ? ST_IDLE : ST_READ;
        else state_d = last_cell ? ST_IDLE : verify_q ? ST_FETCH : ST_READ;
      end
      ST_PAIR:   state_d = (pair_end && last_pair) ? ST_IDLE : ST_READ;
<%- else %>
      ST_STORE:  state_d = last_cell ? ST_IDLE : verify_q ? ST_FETCH : ST_READ;
<%- endif %>
      default:   state_d = ST_IDLE;
    endcase
  end

  always @(posedge clk) begin
    if (!rst_n) state_q <= ST_IDLE;
    else state_q <= state_d;
  end

  // --- Cell and target ---------------------------------------------------------------------------------------------------------
  wire [CODE_BITS-1:0] target_rd;
<%- if pair %>
  wire [CODE_BITS:0]   raised = {1'b0, floor} + {1'b0, difference_q};
<%- endif %>
  always @(posedge clk) begin
    case (state_q)
      ST_IDLE: begin
<%- if pair %>
        verify_q  <= program_row && !take_refresh;
        refresh_q <= take_refresh;
        step_q    <= STEP_READ_0;
        layer_q   <= take_refresh ? {LAYER_BITS{1'b0}} : layer;
        device_q  <= device && !take_refresh;
        row_q     <= take_refresh ? {ROW_BITS{1'b0}} : row;
        col_q     <= take_refresh ? {COL_BITS{1'b0}} : first_col;
<%- else %>
        verify_q <= program_row;
        layer_q  <= layer;
        device_q <= device;
        row_q    <= row;
        col_q    <= first_col;
<%- endif %>
      end
      ST_TARGET: target_q <= target_rd;
<%- if pair %>
      ST_PAIR, ST_STORE: begin
        if (!refresh_q) begin
          col_q <= col_q + COL_ONE;
        end else if (pair_end) begin
          step_q   <= STEP_READ_0;
          device_q <= 1'b0;
          verify_q <= 1'b0;
          col_q    <= (col_q == col_end) ? {COL_BITS{1'b0}} : col_q + COL_ONE;
          if (col_q == col_end) row_q <= (row_q == row_end) ? {ROW_BITS{1'b0}} : row_q + ROW_ONE;
          if ((col_q == col_end) && (row_q == row_end)) layer_q <= layer_q + LAYER_ONE;
        end else begin
          step_q   <= step_q + 3'd1;
          // 0, 1, 0, 1, then the one that was larger.
          device_q <= (step_q == STEP_RESET_1) ? !plus_larger_q : (step_q == STEP_READ_0) || (step_q == STEP_RESET_0);
          verify_q <= step_q != STEP_READ_0;
          target_q <= (step_q != STEP_RESET_1) ? floor : raised[CODE_BITS] ? {CODE_BITS{1'b1}} : raised[CODE_BITS-1:0];
        end
        if (step_q == STEP_READ_0) plus_q <= code_q;
        if (step_q == STEP_READ_1) begin
          plus_larger_q <= plus_larger;
          difference_q  <= larger - smaller;
        end
      end
<%- else %>
      ST_STORE:  col_q <= col_q + COL_ONE;
<%- endif %>
      default: ;
    endcase
  end

  // --- Pulses and codes -----------------------------------------------------------------------------------------------------------
  always @(posedge clk) begin
    if ((state_q == ST_READ) && cell_end) code_q <= cell_code[ADC_BITS-1] ? {CODE_BITS{1'b0}} : cell_code[CODE_BITS-1:0];
    if (state_q == ST_JUDGE) begin
      failed_q <= give_up;
      fresh_q  <= 1'b0;
      pulses_q <= pulses_q + COUNT_ONE;
      down_q   <= too_high;
      if (restart || amp_back) amp_q <= amp_start;
      else if (amp_moves) amp_q <= amp_next[AMP_BITS-1:0];
      if (restart || width_back) width_q <= width_start;
      else if (width_moves) width_q <= width_next[WIDTH_BITS-1:0];
    end else if ((state_q != ST_READ) && (state_q != ST_PULSE)) begin
      // Another cell follows.
      fresh_q  <= 1'b1;
      pulses_q <= {COUNT_BITS{1'b0}};
      failed_q <= 1'b0;
    end
  end

  always @(posedge clk) begin
    if (!rst_n) asked_q <= 1'b0;
    else asked_q <= (asked_q || cell_take) && !cell_end;
  end

  // --- Pulse timer: `setup` cycles off, `width_q` cycles on, then off until the macro is done -------------------------------------
  localparam [SETUP_BITS-1:0] SETUP_ONE = 1;
  localparam [WIDTH_BITS-1:0] WIDTH_ONE = 1;
  reg                  on_q;
  reg [LAYERS-1:0]     on_layer_q;
  reg                  over_q;
  reg [SETUP_BITS-1:0] wait_q;
  reg [WIDTH_BITS-1:0] left_q;
  wire pulse_take = cell_take && (state_q == ST_PULSE);
  wire on_last    = on_q && (left_q == WIDTH_ONE);
  wire on_begin   = pulse_take ? setup == {SETUP_BITS{1'b0}} : wait_q == SETUP_ONE;
  wire on_d       = on_begin || (on_q && !on_last);
  localparam [LAYERS-1:0] LAYER_FIRST = 1;
  wire [LAYERS-1:0] layer_mask = LAYER_FIRST << layer_q;

  always @(posedge clk) begin
    if (!rst_n) begin
      on_q       <= 1'b0;
      on_layer_q <= {LAYERS{1'b0}};
      wait_q     <= {SETUP_BITS{1'b0}};
    end else begin
      on_q       <= on_d;
      on_layer_q <= on_d ? layer_mask : {LAYERS{1'b0}};
      if (pulse_take) wait_q <= setup;
      else if (wait_q != {SETUP_BITS{1'b0}}) wait_q <= wait_q - SETUP_ONE;
    end
  end

  always @(posedge clk) begin
    if (pulse_take) left_q <= width_q;
    else if (on_q) left_q <= left_q - WIDTH_ONE;
    over_q <= !pulse_take && (over_q || on_last);
  end

  // --- Memories -------------------------------------------------------------------------------------------------------------------
  ${ name }$_vector_mem #(
      .WIDTH    (CODE_BITS),
      .DEPTH    (COLS),
      .ADDR_BITS(COL_BITS)
  ) u_targets (
      .clk    (clk),
      .wr_en  (store),
      .wr_addr(column),
      .wr_data(target),
      .rd_en  (state_q == ST_FETCH),
      .rd_addr(col_q),
      .rd_data(target_rd)
  );

  ${ name }$_vector_mem #(
      .WIDTH    (CODE_BITS + 1),
      .DEPTH    (COLS),
      .ADDR_BITS(COL_BITS)
  ) u_results (
      .clk    (clk),
      .wr_en  ((state_q == ST_STORE)<% if pair %> && !refresh_q<% endif %>),
      .wr_addr(col_q),
      .wr_data({failed_q, code_q}),
      .rd_en  (1'b1),
      .rd_addr(column),
      .rd_data({result_failed, result})
  );

  // --- Outputs ---------------------------------------------------------------------------------------------------------------------
  reg [LAYER_BITS-1:0] failed_layer_q;
  reg                  failed_device_q;
  reg [ROW_BITS-1:0]   failed_row_q;
  reg [COL_BITS-1:0]   failed_col_q;
  always @(posedge clk) begin
    if (!rst_n) begin
      failed_layer_q  <= {LAYER_BITS{1'b0}};
      failed_device_q <= 1'b0;
      failed_row_q    <= {ROW_BITS{1'b0}};
      failed_col_q    <= {COL_BITS{1'b0}};
    end else if (cell_failed) begin
      failed_layer_q  <= layer_q;
      failed_device_q <= device_q;
      failed_row_q    <= row_q;
      failed_col_q    <= col_q;
    end
  end

  assign hold          = starts || (state_q != ST_IDLE);
  assign busy          = state_q != ST_IDLE;
  assign cell_failed   = (state_q == ST_STORE) && failed_q;
  assign failed_layer  = failed_layer_q;
  assign failed_device = failed_device_q;
  assign failed_row    = failed_row_q;
  assign failed_col    = failed_col_q;
  assign cell_read     = state_q == ST_READ;
  assign cell_req      = (((state_q == ST_READ) || (state_q == ST_PULSE)) && !asked_q) ? layer_mask : {LAYERS{1'b0}};
  assign pulse_last    = on_last || over_q;
  assign cell_op       = cell_read ? OP_READ : down_q ? OP_RESET : OP_SET;
  assign cell_device   = device_q;
  assign cell_row      = row_q;
  assign cell_col      = col_q;
  assign cell_amp      = amp_q;
  assign cell_width    = width_q;
  assign cell_on       = on_layer_q;
  assign count_set     = pulse_take && !down_q;
  assign count_reset   = pulse_take && down_q;
  assign count_read    = cell_take && cell_read;
  assign count_success = (state_q == ST_STORE) && verify_q && !failed_q;
  assign count_failure = cell_failed;
<%- if pair %>
  assign count_refreshed = (state_q == ST_PAIR) && (step_q == STEP_READ_1) && worn;
<%- endif %>
endmodule
`default_nettype wire
