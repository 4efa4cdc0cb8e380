  // What is left of V beside whole steps, as a probability of DRAW_BITS bits.
  localparam DRAW_BITS = (STEP_SHIFT < 24) ? STEP_SHIFT : 24;
  function [HELD_BITS-1:0] rest_of;
    input [HELD_BITS-1:0] velocity;
    reg   [HELD_BITS-1:0] size;
    begin
      size    = velocity[HELD_BITS-1] ? ~velocity + HELD_ONE : velocity;
      rest_of = (size << (HELD_BITS - STEP_SHIFT)) >> (HELD_BITS - DRAW_BITS);
    end
  endfunction

  // One step more, if there is one.
  function [PULSE_BITS-1:0] stepped_of;
    input [PULSE_BITS-1:0] whole;
    input                  more;
    begin
      stepped_of = (more && (whole != MOST[PULSE_BITS-1:0])) ? whole + {{(PULSE_BITS - 1) {1'b0}}, 1'b1} : whole;
    end
  endfunction

  // A generator's state 32 steps on, so that no two draws share a bit: x^32 + x^22 + x^2 + x + 1, every state but 0.
  function [31:0] advanced_of;
    input [31:0] state;
    integer s;
    begin
      advanced_of = state;
      for (s = 0; s < 32; s = s + 1)
        advanced_of = {advanced_of[30:0], advanced_of[31] ^ advanced_of[21] ^ advanced_of[1] ^ advanced_of[0]};
    end
  endfunction

  // Its first state: lanes start at different places of the one sequence.
  function [31:0] seed_of;
    input [31:0] lane;
    begin
      seed_of = LFSR_SEED + lane * 32'h9e3779b9;
      if (seed_of == 32'd0) seed_of = 32'd1;
    end
  endfunction
