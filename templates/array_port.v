`default_nettype none
// Port to one array macro: runs forward reads, transposed reads<% if memory %>, write slots and operations on single cells<% else %> and write slots<% endif %>, one at a time.
//
// Reads: the lines are driven while `op_valid` is high; the macro answers `adc_group` 0, 1, ... with `adc_valid`, a code
// moves when `adc_valid` and `adc_ready` are both high. Writes: the ramp runs from `op_valid` on; the slot ends with its
// longest pulse, or later when the macro holds `op_ready` low.
<%- if fast %>
// A forward read of <% if sliced %>one row<% else %>the second devices<% endif %> is requested as a slot.
<%- endif %>
<%- if local %>
// Decay and transfer of the velocity last as long as the parameters say, or longer when the macro holds `op_ready` low.
<%- endif %>
<%- if serial %>
// A read of W is one step for each bit of the codes, each like a read of its own; `step_end` brings the next bit to the lines.
<%- endif %>
// Latency: `op_valid` rises one cycle after a take; a next operation that is ready follows without a gap.
module ${ name }$_array_port #(
    parameter PULSE_BITS   = 8,  // bits of a pulse width
    parameter PULSE_CYCLES = 1,  // clock cycles per pulse-width unit
<%- if local %>
    parameter DECAY_CYCLES    = 25,  // length of a decay, 1 to 65535
    parameter TRANSFER_CYCLES = 50,  // length of a transfer, 1 to 65535
<%- endif %>
    parameter FWD_GROUPS   = 4,  // conversions of a forward read
    parameter BACK_GROUPS  = 8,  // conversions of a transposed read
<%- if serial %>
    parameter FWD_PLANES   = 8,  // bit planes of a forward read
    parameter BACK_PLANES  = 7,  // bit planes of a transposed read
    parameter PLANE_BITS   = 3,  // bits of a plane's number
<%- endif %>
    parameter GROUP_BITS   = 3   // bits of a group number
) (
    input  wire                  clk,
    input  wire                  rst_n,
    input  wire                  fwd_req,       // the row stage holds x of a sample to read
    input  wire                  back_req,      // the column stage holds codes of a transposed read
    input  wire                  slot_req,      // both stages hold a write slot
<%- if local %>
<%- if nesterov %>
    input  wire [2:0]            slot_kind,     // what it is: 2 write to W, 5 decay, 6 write to V, 7 transfer
<%- else %>
    input  wire [2:0]            slot_kind,     // what it is: 5 decay, 6 write to V, 7 transfer
<%- endif %>
<%- endif %>
<%- if fast %>
<%- if sliced %>
    input  wire [2:0]            slot_kind,     // what it is: 2 write, 4 forward read of one row
<%- else %>
    input  wire [2:0]            slot_kind,     // what it is: 2 write to W, 4 forward read of A, 6 write to A
<%- endif %>
<%- endif %>
    input  wire [PULSE_BITS-1:0] slot_longest,  // its longest pulse, at least 1
<%- if memory %>
    input  wire                  cell_req,      // an operation on one cell waits; only when no other request can come
    input  wire                  cell_read,     // it is a read, else a pulse
    input  wire                  pulse_last,    // the cell's pulse is in its last cycle or over
<%- endif %>
    output wire                  take_fwd,      // this cycle moves the row stage to the rows
    output wire                  take_back,     // this cycle moves the column stage to the columns
    output wire                  take_slot,     // this cycle moves both
<%- if memory %>
    output wire                  take_cell,     // this cycle takes the cell operation
    output wire                  cell_end,      // it ends with this cycle
<%- endif %>
    output wire                  tick,          // a ramp step ends
    output wire [PULSE_BITS-1:0] ramp,          // number of the running ramp step
    output wire                  idle,          // no operation runs
    output wire                  op_valid,      // an operation runs
<%- if local %>
<%- if nesterov %>
    output wire [2:0]            op_kind,       // 0 forward read, 1 transposed read, 2 write to W, 5 decay of V, 6 write to V, 7 transfer
<%- else %>
    output wire [2:0]            op_kind,       // 0 forward read, 1 transposed read, 5 decay of V, 6 write to V, 7 transfer
<%- endif %>
<%- else if fast %>
<%- if sliced %>
    output wire [2:0]            op_kind,       // 0 forward read, 1 transposed read, 2 write, 4 forward read of one row
<%- else %>
    output wire [2:0]            op_kind,       // 0 forward read, 1 transposed read, 2 write, 4 forward read of A, 6 write to A
<%- endif %>
<%- else %>
    output wire [1:0]            op_kind,       // 0 forward read, 1 transposed read, 2 write<% if memory %>, 3 one cell<% endif %>
<%- endif %>
    output wire                  op_last,       // reads: last group; writes: last pulse cycle or waiting for op_ready
    input  wire                  op_ready,      // writes: the macro has taken the slot
    output wire [GROUP_BITS-1:0] adc_group,     // lines to convert: group g is lines g*ADCS and up
    output wire                  adc_ready,     // the code of this group is taken
    input  wire                  adc_valid,     // the macro presents the code of this group
    input  wire                  path_ready,    // the read path takes a code
<%- if serial %>
    output wire                  step_end,      // this cycle ends a step of a read
    output wire                  plane_first,   // the running step is the first of its read
    output wire                  plane_last,    // it is the last
    output wire                  group_last     // the running group is the last of its step
<%- else %>
    output wire                  group_last     // the running group is the last of its read
<%- endif %>
);
<%- if local %>
  localparam [2:0] KIND_FORWARD = 3'd0;
  localparam [2:0] KIND_BACK    = 3'd1;
<%- if nesterov %>
  localparam [2:0] KIND_WEIGHTS = 3'd2;
<%- endif %>
  localparam [2:0] KIND_WRITE   = 3'd6;
  localparam [2:0] KIND_DECAY   = 3'd5;
<%- else if fast %>
  localparam [2:0] KIND_FORWARD = 3'd0;
  localparam [2:0] KIND_BACK    = 3'd1;
  localparam [2:0] KIND_FAST    = 3'd4;
<%- else %>
  localparam [1:0] KIND_FORWARD = 2'd0;
  localparam [1:0] KIND_BACK    = 2'd1;
  localparam [1:0] KIND_WRITE   = 2'd2;
<%- endif %>
<%- if memory %>
  localparam [1:0] KIND_CELL    = 2'd3;
<%- endif %>
  localparam [1:0] ST_IDLE  = 2'd0;
  localparam [1:0] ST_READ  = 2'd1;
  localparam [1:0] ST_WRITE = 2'd2;
<%- if memory %>
  localparam [1:0] ST_CELL  = 2'd3;
<%- endif %>
<%- if local %>
  localparam [1:0] ST_LOCAL = 2'd3;
  localparam [31:0] DECAY_LAST    = DECAY_CYCLES - 1;
  localparam [31:0] TRANSFER_LAST = TRANSFER_CYCLES - 1;
<%- endif %>
  localparam [31:0] FWD_LAST  = FWD_GROUPS - 1;
  localparam [31:0] BACK_LAST = BACK_GROUPS - 1;
<%- if serial %>
  localparam [31:0] FWD_PLANE_LAST  = FWD_PLANES - 1;
  localparam [31:0] BACK_PLANE_LAST = BACK_PLANES - 1;
  localparam [PLANE_BITS-1:0] PLANE_STEP = 1;
<%- endif %>
  localparam [PULSE_BITS-1:0] RAMP_FIRST = 1;
  localparam [GROUP_BITS-1:0] GROUP_STEP = 1;

  reg [1:0]            state_q, state_d;
  reg [${ kind_bits - 1 }$:0]            kind_q, kind_d;
  reg [GROUP_BITS-1:0] group_q;
<%- if serial %>
  reg [PLANE_BITS-1:0] plane_q;
<%- endif %>
  reg [PULSE_BITS-1:0] ramp_q;
  reg [PULSE_BITS-1:0] longest_q;
  reg                  pulsed_q;

  wire reading  = state_q == ST_READ;
  wire writing  = state_q == ST_WRITE;
<%- if serial %>
  // Only the last plane goes on to the read path.
  wire taking   = reading && (path_ready || !plane_last);
  wire transfer = taking && adc_valid;
  assign step_end = transfer && group_last;
  wire read_end = step_end && plane_last;
<%- else %>
  wire transfer = reading && adc_valid && path_ready;
  wire read_end = transfer && group_last;
<%- endif %>
  // The ramp stays at its last step until the macro is done.
  wire pulse_end = tick && (ramp_q == longest_q);
  wire write_end = writing && (pulse_end || pulsed_q) && op_ready;
<%- if memory %>
  wire on_cell   = state_q == ST_CELL;
  assign cell_end = on_cell && (cell_read ? adc_valid : pulse_last && op_ready);
  wire free      = (state_q == ST_IDLE) || read_end || write_end || cell_end;
<%- else if local %>
  wire on_local  = state_q == ST_LOCAL;
  reg [15:0] left_q;  // cycles of the local operation still to come
  wire local_last = on_local && (left_q == 16'd0);
  wire free      = (state_q == ST_IDLE) || read_end || write_end || (local_last && op_ready);
<%- else %>
  wire free      = (state_q == ST_IDLE) || read_end || write_end;
<%- endif %>

  assign take_back = free && back_req;
  assign take_slot = free && slot_req && !back_req;
  assign take_fwd  = free && fwd_req && !slot_req && !back_req;
<%- if memory %>
  assign take_cell = free && cell_req && !fwd_req && !slot_req && !back_req;
<%- endif %>

  always @* begin
    state_d = state_q;
    kind_d  = kind_q;
    if (free) begin
      state_d = ST_IDLE;
      if (take_back) begin
        state_d = ST_READ;
        kind_d  = KIND_BACK;
      end
      if (take_slot) begin
<%- if local %>
<%- if nesterov %>
        state_d = ((slot_kind == KIND_WRITE) || (slot_kind == KIND_WEIGHTS)) ? ST_WRITE : ST_LOCAL;
<%- else %>
        state_d = (slot_kind == KIND_WRITE) ? ST_WRITE : ST_LOCAL;
<%- endif %>
        kind_d  = slot_kind;
<%- else if fast %>
        state_d = (slot_kind == KIND_FAST) ? ST_READ : ST_WRITE;
        kind_d  = slot_kind;
<%- else %>
        state_d = ST_WRITE;
        kind_d  = KIND_WRITE;
<%- endif %>
      end
      if (take_fwd) begin
        state_d = ST_READ;
        kind_d  = KIND_FORWARD;
      end
<%- if memory %>
      if (take_cell) begin
        state_d = ST_CELL;
        kind_d  = KIND_CELL;
      end
<%- endif %>
    end
  end

  always @(posedge clk) begin
    if (!rst_n) state_q <= ST_IDLE;
    else state_q <= state_d;
  end

  always @(posedge clk) begin
    kind_q <= kind_d;
    if (take_fwd || take_back<% if memory %> || take_cell<% endif %><% if fast %> || take_slot<% endif %>) group_q <= {GROUP_BITS{1'b0}};
<%- if serial %>
    else if (transfer) group_q <= group_last ? {GROUP_BITS{1'b0}} : group_q + GROUP_STEP;
    if (take_fwd || take_back<% if fast %> || take_slot<% endif %>) plane_q <= {PLANE_BITS{1'b0}};
    else if (step_end) plane_q <= plane_q + PLANE_STEP;
<%- else %>
    else if (transfer) group_q <= group_q + GROUP_STEP;
<%- endif %>
<%- if local %>
    if (take_slot) left_q <= (slot_kind == KIND_DECAY) ? DECAY_LAST[15:0] : TRANSFER_LAST[15:0];
    else if (left_q != 16'd0) left_q <= left_q - 16'd1;
<%- endif %>
    if (take_slot) begin
      longest_q <= slot_longest;
      ramp_q    <= RAMP_FIRST;
      pulsed_q  <= 1'b0;
    end else if (pulse_end) begin
      pulsed_q <= 1'b1;
    end else if (tick) begin
      ramp_q <= ramp_q + RAMP_FIRST;
    end
  end

  generate
    if (PULSE_CYCLES == 1) begin : gen_tick_each
      assign tick = writing && !pulsed_q;
    end else begin : gen_tick_scaled
      localparam SCALE_BITS = $clog2(PULSE_CYCLES);
      localparam [31:0] SCALE_LAST = PULSE_CYCLES - 1;
      localparam [SCALE_BITS-1:0] SCALE_STEP = 1;
      reg [SCALE_BITS-1:0] scale_q;
      always @(posedge clk) begin
        if (take_slot || tick) scale_q <= {SCALE_BITS{1'b0}};
        else if (writing) scale_q <= scale_q + SCALE_STEP;
      end
      assign tick = writing && !pulsed_q && (scale_q == SCALE_LAST[SCALE_BITS-1:0]);
    end
  endgenerate

  assign ramp       = ramp_q;
  assign idle       = state_q == ST_IDLE;
  assign op_valid   = <% if memory || local %>state_q != ST_IDLE<% else %>reading || writing<% endif %>;
  assign op_kind    = kind_q;
  assign group_last = group_q == ((kind_q == KIND_BACK) ? BACK_LAST[GROUP_BITS-1:0] : FWD_LAST[GROUP_BITS-1:0]);
  assign op_last    = (reading && group_last) || (writing && (pulse_end || pulsed_q))<% if memory %> || (on_cell && (cell_read || pulse_last))<% endif %><% if local %> || local_last<% endif %>;
  assign adc_group  = group_q;
<%- if serial %>
  assign plane_first = plane_q == {PLANE_BITS{1'b0}};
  assign plane_last  = <% if fast %>(kind_q == KIND_FAST) || (<% endif %>plane_q == ((kind_q == KIND_BACK) ? BACK_PLANE_LAST[PLANE_BITS-1:0] : FWD_PLANE_LAST[PLANE_BITS-1:0])<% if fast %>)<% endif %>;
  assign adc_ready  = <% if memory %>taking || (on_cell && cell_read)<% else %>taking<% endif %>;
<%- else %>
  assign adc_ready  = <% if memory %>(reading && path_ready) || (on_cell && cell_read)<% else %>reading && path_ready<% endif %>;
<%- endif %>
endmodule
`default_nettype wire
