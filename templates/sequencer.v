`default_nettype none
<%- if conv %>
// Sequencer: one sample after the other through forward read, backward read and update. The convolution reads x in the sample memory.
module ${ name }$_sequencer (
<%- else %>
// Sequencer: one sample after the other through forward read, backward read and update; loads the next sample's x into the
// first layer's row stage as soon as that is free.
module ${ name }$_sequencer #(
    parameter X_BEATS     = 8,  // beats of one input vector
    parameter X_BEAT_BITS = 3
) (
<%- endif %>
    input  wire                   clk,
    input  wire                   rst_n,
    input  wire                   run,           // keep taking samples
    input  wire                   train,         // train, else infer
    input  wire                   emit,          // send outputs in training, too
    input  wire                   sample_valid,  // a complete sample waits
<%- if !conv %>
    output wire [X_BEAT_BITS-1:0] x_rd_beat,     // beat of its x to read
    output wire                   x_done,        // its x is no longer needed
<%- endif %>
    output wire                   t_done,        // its targets are no longer needed
<%- if !conv %>
    output wire                   x_valid,       // beat for the first layer, data from the sample memory
    output wire [X_BEAT_BITS-1:0] x_beat,
    output wire                   x_last,
<%- endif %>
    output wire                   start,         // the first layer's forward <% if conv %>reads<% else %>read<% endif %> may start
    input  wire                   out_free,      // the output side takes a vector
    input  wire                   out_done,      // last activation beat of the output layer
    input  wire                   error_done,    // last y beat of the output layer
    input  wire                   first_done,    // last y beat of the first layer
<%- if !conv %>
    input  wire                   first_free,    // the first layer's row stage is no longer needed
<%- endif %>
    input  wire                   all_idle,      // all units and arrays are done
<%- if memory %>
    input  wire                   hold,          // the memory controller works or is about to: no sample may start
    input  wire                   memory_busy,   // it works
    output wire                   idle,          // no sample is in the machine
<%- endif %>
<%- if batch > 1 %>
    input  wire                   restart,       // the next training sample is the first of a batch
<%- if batch_first %>
    output wire                   batch_first,   // the training sample is the first of its batch
<%- endif %>
    output wire                   batch_last,    // it is the last
<%- endif %>
    output wire                   busy,          // a sample is in the machine
    output wire [3:0]             phase,         // see the STATUS register
    output wire                   sample_end     // a sample is finished with this cycle
);
  localparam [2:0] ST_IDLE     = 3'd0;
  localparam [2:0] ST_WAIT     = 3'd1;
  localparam [2:0] ST_START    = 3'd2;
  localparam [2:0] ST_FORWARD  = 3'd3;
  localparam [2:0] ST_BACKWARD = 3'd4;
  localparam [2:0] ST_UPDATE   = 3'd5;
<%- for phase in phases %>
  localparam [3:0] PHASE_${ phase.0 }$ = 4'd${ phase.1 }$;
<%- endfor %>

  reg [2:0] state_q, state_d;
<%- if !conv %>
  reg       loading_q;
  reg       loaded_q;
<%- endif %>
  // A vector that enters the output side in this cycle takes the place that is still shown as free.
  wire      out_ok = (out_free && !out_done) || (train && !emit);

  // A finished sample is followed at once by the next when that is loaded already.
  wire [2:0] state_next_sample = !run ? ST_IDLE : (<% if conv %>sample_valid<% else %>loaded_q<% endif %> && out_ok<% if memory %> && !hold<% endif %>) ? ST_START : ST_WAIT;
  wire       forward_end       = (state_q == ST_FORWARD) && (train ? error_done : out_done);

  always @* begin
    state_d = state_q;
    case (state_q)
      ST_IDLE, ST_WAIT: state_d = state_next_sample;
      ST_START:         state_d = ST_FORWARD;
      // With a single layer its y is the first layer's: nothing to propagate.
      ST_FORWARD:       if (forward_end) state_d = !train ? state_next_sample : first_done ? ST_UPDATE : ST_BACKWARD;
      ST_BACKWARD:      if (first_done) state_d = ST_UPDATE;
      ST_UPDATE:        if (all_idle) state_d = state_next_sample;
      default:          state_d = ST_IDLE;
    endcase
  end

  always @(posedge clk) begin
    if (!rst_n) state_q <= ST_IDLE;
    else state_q <= state_d;
  end

<%- if !conv %>

  // --- Loader: sample memory -> row stage of the first layer ------------------------------------------------------------
  localparam [31:0] LAST_BEAT = X_BEATS - 1;
  localparam [X_BEAT_BITS-1:0] BEAT_ONE = 1;
  reg [X_BEAT_BITS-1:0] beat_q;
  reg                   x_valid_q;
  reg                   x_last_q;
  reg [X_BEAT_BITS-1:0] x_beat_q;
  // While a sample trains, its history still needs the row stage until the last pair is fetched.
  wire stage_free = (state_q == ST_WAIT) || (train ? (state_q == ST_UPDATE) && first_free : state_q == ST_FORWARD);
  wire load_start = stage_free && run && sample_valid && !loading_q && !loaded_q;
  wire load_last  = loading_q && (beat_q == LAST_BEAT[X_BEAT_BITS-1:0]);

  always @(posedge clk) begin
    if (!rst_n) begin
      loading_q <= 1'b0;
      loaded_q  <= 1'b0;
      x_valid_q <= 1'b0;
    end else begin
      loading_q <= load_start || (loading_q && !load_last);
      loaded_q  <= load_last || (loaded_q && (state_q != ST_START));
      x_valid_q <= loading_q;
    end
  end

  always @(posedge clk) begin
    beat_q   <= loading_q ? beat_q + BEAT_ONE : {X_BEAT_BITS{1'b0}};
    x_beat_q <= beat_q;
    x_last_q <= load_last;
  end

  assign x_rd_beat = beat_q;
  assign x_done    = load_last;
<%- endif %>
  assign t_done    = forward_end && train;
<%- if !conv %>
  assign x_valid   = x_valid_q;
  assign x_beat    = x_beat_q;
  assign x_last    = x_last_q;
<%- endif %>
  assign start     = state_q == ST_START;
<%- if batch > 1 %>

  // --- Batches: training samples in turn, whatever is inferred between them -----------------------------------------------
  localparam [${ batch_bits - 1 }$:0] PLACE_LAST = ${ batch_bits }$'d${ batch - 1 }$;
  localparam [${ batch_bits - 1 }$:0] PLACE_ONE  = ${ batch_bits }$'d1;
  reg [${ batch_bits - 1 }$:0] place_q;
  reg       restart_q;  // a restart waits for the end of the sample
  wire      in_sample = (state_q != ST_IDLE) && (state_q != ST_WAIT);

  always @(posedge clk) begin
    if (!rst_n) begin
      place_q   <= ${ batch_bits }$'d0;
      restart_q <= 1'b0;
    end else begin
      restart_q <= (restart || restart_q) && in_sample && !sample_end;
      if ((restart || restart_q) && (!in_sample || sample_end)) place_q <= ${ batch_bits }$'d0;
      else if (sample_end && train) place_q <= batch_last ? ${ batch_bits }$'d0 : place_q + PLACE_ONE;
    end
  end

<% if batch_first %>  assign batch_first = place_q == ${ batch_bits }$'d0;
<% endif %>  assign batch_last  = place_q == PLACE_LAST;
<%- endif %>

  // --- Status ------------------------------------------------------------------------------------------------------------
  reg [3:0] phase_now;
<%- if memory %>
  assign idle = state_q == ST_IDLE;
<%- endif %>
  always @* begin
    case (state_q)
      ST_IDLE:               phase_now = PHASE_IDLE;
      ST_START, ST_FORWARD:  phase_now = PHASE_FORWARD;
      ST_BACKWARD:           phase_now = PHASE_BACKWARD;
      ST_UPDATE:             phase_now = PHASE_UPDATE;
<%- if conv %>
      default:               phase_now = !sample_valid ? PHASE_WAIT_INPUT : out_ok ? PHASE_LOAD : PHASE_WAIT_OUTPUT;
<%- else %>
      default:               phase_now = loaded_q ? (out_ok ? PHASE_LOAD : PHASE_WAIT_OUTPUT)
                                       : (loading_q || sample_valid) ? PHASE_LOAD : PHASE_WAIT_INPUT;
<%- endif %>
    endcase
<%- if memory %>
    // It works only while the machine is idle or waits.
    if (memory_busy) phase_now = PHASE_MEMORY;
<%- endif %>
  end

  assign phase      = phase_now;
  assign busy       = <% if conv %>state_q != ST_IDLE<% else %>(state_q != ST_IDLE) || loading_q || loaded_q<% endif %>;
  assign sample_end = ((state_q == ST_UPDATE) && all_idle) || (forward_end && !train);
endmodule
`default_nettype wire
