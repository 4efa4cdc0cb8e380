// Plays a list of bus operations with known answers on dut_csr, the channels' transfers in random order and with random
// stalls, and answers the weight port from a memory after random delays. Then traffic on all channels at once.
//
// HISTORY and WEIGHTS say which ports the design has.
`timescale 1ns / 1ps
`default_nettype none

module tb #(
  parameter HISTORY_BITS = 1,
  parameter LAYER_BITS   = 1,
  parameter ROW_BITS     = 1,
  parameter COL_BITS     = 1,
  parameter STATE_BITS   = 8
);
  localparam COUNTERS = 11;
  localparam CELLS    = 1 << (LAYER_BITS + ROW_BITS + COL_BITS);

  // Kinds of operations.
  localparam [3:0] OP_END = 4'd0, OP_WRITE = 4'd1, OP_READ = 4'd2, OP_STATE = 4'd3, OP_COUNTER = 4'd4, OP_FLAGS = 4'd5;

  reg         aclk, aresetn;
  reg  [11:0] awaddr, araddr;
  reg  [31:0] wdata;
  reg  [3:0]  wstrb;
  reg         awvalid, wvalid, bready, arvalid, rready;
  wire        awready, wready, bvalid, arready, rvalid;
  wire [1:0]  bresp, rresp;
  wire [31:0] rdata;
  reg         busy, short_packet, long_packet;
  reg  [3:0]  phase;
  reg  [63:0] count [0:COUNTERS-1];
  wire        run, train, emit, soft_reset, clear_history, clear_counters;
  wire [15:0] learning_rate;
`ifdef HISTORY
  wire [15:0] momentum;
  wire [HISTORY_BITS-1:0] history;
`endif
`ifdef WEIGHTS
  wire                  weight_valid, weight_write;
  wire [LAYER_BITS-1:0] weight_layer;
  wire [ROW_BITS-1:0]   weight_row;
  wire [COL_BITS-1:0]   weight_col;
  wire [STATE_BITS-1:0] weight_wdata;
  reg                   weight_ready;
  reg  [STATE_BITS-1:0] cells [0:CELLS-1];
  reg                   was_w;
  reg  [LAYER_BITS+ROW_BITS+COL_BITS+STATE_BITS:0] was_weight;
  wire [LAYER_BITS+ROW_BITS+COL_BITS-1:0] cell_index = {weight_layer, weight_row, weight_col};
`endif

  dut_csr dut (
    .aclk(aclk), .aresetn(aresetn),
    .s_axil_awaddr(awaddr), .s_axil_awprot(3'd0), .s_axil_awvalid(awvalid), .s_axil_awready(awready),
    .s_axil_wdata(wdata), .s_axil_wstrb(wstrb), .s_axil_wvalid(wvalid), .s_axil_wready(wready),
    .s_axil_bresp(bresp), .s_axil_bvalid(bvalid), .s_axil_bready(bready),
    .s_axil_araddr(araddr), .s_axil_arprot(3'd0), .s_axil_arvalid(arvalid), .s_axil_arready(arready),
    .s_axil_rdata(rdata), .s_axil_rresp(rresp), .s_axil_rvalid(rvalid), .s_axil_rready(rready),
    .run(run), .train(train), .emit(emit), .learning_rate(learning_rate),
`ifdef HISTORY
    .momentum(momentum), .history(history),
`endif
`ifdef WEIGHTS
    .weight_valid(weight_valid), .weight_write(weight_write), .weight_layer(weight_layer), .weight_row(weight_row),
    .weight_col(weight_col), .weight_wdata(weight_wdata), .weight_ready(weight_ready),
    // Junk unless the access ends in this cycle.
    .weight_rdata(weight_ready ? cells[cell_index] : ~cells[cell_index]),
`endif
    .soft_reset(soft_reset), .clear_history(clear_history), .clear_counters(clear_counters),
    .count_cycles(count[0]), .count_wait_input(count[1]), .count_load(count[2]), .count_forward(count[3]),
    .count_backward(count[4]), .count_update(count[5]), .count_wait_output(count[6]), .count_array_busy(count[7]),
    .count_samples(count[8]), .count_slots(count[9]), .count_slots_skipped(count[10]),
    .short_packet(short_packet), .long_packet(long_packet), .busy(busy), .phase(phase)
  );

  // One operation: kind, response, strobes, address, data (written or expected), then what the core must see after it:
  // run, train, emit; learning rate, momentum, history; pulses during it; weight accesses during it.
  localparam OP_BITS = 4 + 4 + 4 + 12 + 64 + 4 + 16 + 16 + 12 + 4 + 4;
  reg [OP_BITS-1:0] ops [0:8191];
  reg [3:0]  kind, strobes, want_pulses, want_ctrl, want_accesses;
  reg [3:0]  response;
  reg [11:0] address, want_history;
  reg [63:0] data;
  reg [15:0] want_rate, want_momentum;

  integer seed, stall, index, cycles, since, played, n, i, accesses, pulses, reads, writes, answered_reads, answered_writes, start;
  reg     aw_done, w_done, ar_done, done;
  reg [3:0] seen_pulses;
  reg [1:0] got_resp;
  reg [31:0] got_data;
  reg     was_b, was_r;
  reg [1:0]  was_bresp, was_rresp;
  reg [31:0] was_rdata;
  time    edge_time;

  // True in `eighths` of 8 cases.
  function chance(input integer eighths);
    chance = ($unsigned($random(seed)) % 8) < eighths;
  endfunction

  task fail(input [8*32-1:0] what);
    begin
      $display("FAIL: %0s at cycle %0d, operation %0d: kind %0d, address %h, data %h, got %h, response %0d", what, cycles,
               index, kind, address, data, got_data, got_resp);
      $finish;
    end
  endtask

  // One clock cycle: what it showed is judged at its end; inputs change 1 ns after the edge.
  task cycle;
    begin
      @(posedge aclk);
      edge_time = $time;
      cycles    = cycles + 1;
      since     = since + 1;
      if (since > 1000) fail("no answer");
      if (was_b && (!bvalid || bresp !== was_bresp)) fail("b changed before it was taken");
      if (was_r && (!rvalid || rresp !== was_rresp || rdata !== was_rdata)) fail("r changed before it was taken");
      was_b = bvalid && !bready;  was_bresp = bresp;
      was_r = rvalid && !rready;  was_rresp = rresp;  was_rdata = rdata;
      seen_pulses = seen_pulses | {1'b0, clear_counters, clear_history, soft_reset};
      pulses      = pulses + soft_reset + clear_history + clear_counters;
      if (awvalid && awready) aw_done = 1;
      if (wvalid && wready)   w_done = 1;
      if (arvalid && arready) ar_done = 1;
      if (bvalid && bready) begin
        since           = 0;
        got_resp        = bresp;
        answered_writes = answered_writes + 1;
        done            = 1;
      end
      if (rvalid && rready) begin
        since          = 0;
        got_resp       = rresp;
        got_data       = rdata;
        answered_reads = answered_reads + 1;
        done           = 1;
      end
`ifdef WEIGHTS
      if (was_w && (!weight_valid || {weight_write, cell_index, weight_wdata} !== was_weight)) fail("weight access changed");
      was_w      = weight_valid && !weight_ready;
      was_weight = {weight_write, cell_index, weight_wdata};
      if (weight_valid && weight_ready) begin
        accesses = accesses + 1;
        if (weight_write) cells[cell_index] = weight_wdata;
      end
`endif
      #1;
      if (aw_done) awvalid = 0;
      if (w_done)  wvalid = 0;
      if (ar_done) arvalid = 0;
      bready = !chance(stall);
      rready = !chance(stall);
`ifdef WEIGHTS
      weight_ready = weight_valid && !chance(stall);
`endif
    end
  endtask

  task bus_write;
    begin
      aw_done = 0; w_done = 0; done = 0;
      awaddr = $random(seed); wdata = $random(seed); wstrb = $random(seed);
      while (!done) begin
        if (!aw_done && !awvalid && !chance(stall)) begin
          awaddr  = address;
          awvalid = 1;
        end
        if (!w_done && !wvalid && !chance(stall)) begin
          wdata  = data[31:0];
          wstrb  = strobes;
          wvalid = 1;
        end
        cycle;
      end
      got_data = 0;
      if (got_resp !== response[1:0]) fail("write response");
    end
  endtask

  task bus_read;
    begin
      ar_done = 0; done = 0;
      araddr = $random(seed);
      while (!done) begin
        if (!ar_done && !arvalid && !chance(stall)) begin
          araddr  = address;
          arvalid = 1;
        end
        cycle;
      end
      if (got_resp !== response[1:0]) fail("read response");
      if (got_data !== data[31:0]) fail("read data");
    end
  endtask

  task play;
    begin
      index = 0;
      {kind, response, strobes, address, data, want_ctrl, want_rate, want_momentum, want_history, want_pulses, want_accesses} =
        ops[0];
      while (kind != OP_END) begin
        seen_pulses = 0; pulses = 0; accesses = 0; since = 0;
        case (kind)
          OP_WRITE:   bus_write;
          OP_READ:    bus_read;
          OP_STATE:   {phase, busy} = data[4:0];
          OP_COUNTER: count[address] = data;
          OP_FLAGS:   {long_packet, short_packet} = data[1:0];
          default:    fail("unknown operation");
        endcase
        cycle;
        {long_packet, short_packet} = 2'b00;
        if ({emit, train, run} !== want_ctrl[2:0]) fail("ctrl");
        if (learning_rate !== want_rate) fail("learning rate");
`ifdef HISTORY
        if (momentum !== want_momentum) fail("momentum");
        if (history !== want_history[HISTORY_BITS-1:0]) fail("history");
`endif
        // Pulses last one cycle each.
        if (seen_pulses !== want_pulses || pulses != want_pulses[0] + want_pulses[1] + want_pulses[2]) fail("pulses");
        if (accesses != want_accesses) fail("weight accesses");
        index = index + 1;
        {kind, response, strobes, address, data, want_ctrl, want_rate, want_momentum, want_history, want_pulses, want_accesses} =
          ops[index];
      end
    end
  endtask

  // Reads of ID and writes of LEARNING_RATE without a pause: one of each every two cycles.
  task pace;
    begin
      stall = 0;
      index = -1;
      busy  = 0;
      cycle;
      answered_reads = 0; answered_writes = 0; start = cycles;
      bready = 1; rready = 1;
      for (i = 0; i < 32; i = i + 1) begin
        araddr = 12'h000; arvalid = 1; ar_done = 0;
        awaddr = 12'h030; awvalid = 1; aw_done = 0;
        wdata  = 1000 + i; wstrb = 4'hf; wvalid = 1; w_done = 0;
        cycle;
        if (!ar_done || !aw_done || !w_done) fail("pace");
        // What follows at once waits in its turn.
        cycle;
        if (i > 0 && learning_rate !== 999 + i) fail("write at pace");
      end
      cycle;
      if (learning_rate !== 1031) fail("last write at pace");
      cycle; cycle;
      if (answered_reads != 32 || answered_writes != 32) fail("answers at pace");
      if (got_data !== 32'h4d52544c) fail("read at pace");
    end
  endtask

  // A flag that the core raises in the very cycle of a write that clears it stays, and goes with the next such write.
  task collide;
    begin
      stall = 0;
      index = -3;
      busy  = 0; phase = 0;
      cycle;
      address = 12'h028; strobes = 4'hf; response = 0;
      awaddr = address; awvalid = 1; aw_done = 0;
      wdata = 32'h300; wstrb = strobes; wvalid = 1; w_done = 0;
      cycle; cycle;
      // The write is done at the end of the second cycle after it was taken.
      {long_packet, short_packet} = 2'b11;
      cycle;
      {long_packet, short_packet} = 2'b00;
      cycle; cycle;
      data = 64'h300;
      bus_read;
      bus_write;
      data = 64'h0;
      bus_read;
    end
  endtask

`ifdef WEIGHTS
  // Writes and reads of WEIGHT_DATA, and reads of ID, on all channels at once: each access moves the address once.
  task crowd;
    begin
      index = -2;
      accesses = 0; answered_reads = 0; answered_writes = 0; reads = 0; writes = 0; n = 0;
      aw_done = 1; w_done = 1; ar_done = 1;
      while (answered_writes < 24 || answered_reads < 48) begin
        if (aw_done && w_done && !awvalid && !wvalid && writes < 24) begin
          awaddr = 12'h04c; wdata = 1; wstrb = 4'hf;
          awvalid = 1; wvalid = 1; aw_done = 0; w_done = 0;
          writes = writes + 1;
        end
        if (ar_done && !arvalid && reads < 48) begin
          araddr = reads % 2 ? 12'h04c : 12'h000;
          arvalid = 1; ar_done = 0;
          reads = reads + 1;
        end
        i = answered_reads;
        cycle;
        if (got_resp !== 2'b00) fail("response in the crowd");
        if (answered_reads != i && i % 2 == 0 && got_data !== 32'h4d52544c) fail("ID in the crowd");
      end
      if (accesses != 48) fail("accesses in the crowd");
    end
  endtask
`endif

  initial begin
    if (!$value$plusargs("seed=%d", seed)) seed = 1;
    if (!$value$plusargs("stall=%d", stall)) stall = 0;
    if (!$value$plusargs("operations=%d", n)) n = 8192;
    $readmemh("ops.hex", ops, 0, n - 1);
    aclk = 0; aresetn = 0; cycles = 0; since = 0; edge_time = 0; was_b = 0; was_r = 0;
    awvalid = 0; wvalid = 0; bready = 0; arvalid = 0; rready = 0; awaddr = 0; wdata = 0; wstrb = 0; araddr = 0;
    busy = 0; short_packet = 0; long_packet = 0; phase = 0; got_data = 0; got_resp = 0; index = 0; done = 0;
    aw_done = 0; w_done = 0; ar_done = 0; answered_reads = 0; answered_writes = 0; accesses = 0; pulses = 0;
    for (i = 0; i < COUNTERS; i = i + 1) count[i] = 0;
`ifdef WEIGHTS
    weight_ready = 0;
    was_w = 0;
    for (i = 0; i < CELLS; i = i + 1) cells[i] = 0;
`endif
    cycle; cycle;
    aresetn = 1;
    cycle;
    play;
    played = index;
`ifdef WEIGHTS
    // The list ends with the address at the first cell.
    crowd;
`endif
    collide;
    pace;
    $display("PASS: %0d operations, %0d cycles", played, cycles);
    $finish;
  end
  always #5 aclk = !aclk;

  // Every output is a register's: it moves at clock edges and not with the inputs, which move 1 ns later.
  always @(awready or wready or bvalid or bresp or arready or rvalid or rdata or rresp or run or train or emit or soft_reset
           or clear_history or clear_counters or learning_rate
`ifdef WEIGHTS
           or weight_valid or weight_write or cell_index or weight_wdata
`endif
  ) if (cycles > 2 && $time != edge_time) fail("output follows an input");
endmodule
