`ifdef YOSYS
      // Bit by bit: the number of a word times its width would be a multiplier where the width is no power of two.
      genvar b, s;
      for (b = 0; b < ${ bits }$; b = b + 1) begin : gen_bit
        wire [${ words }$-1:0] by_bit;
        for (s = 0; s < ${ words }$; s = s + 1) begin : gen_word
          assign by_bit[s] = ${ vector }$[s*${ bits }$+b];
        end
        assign ${ word }$[b] = by_bit[${ number }$];
      end
`else
      assign ${ word }$ = ${ vector }$[${ number }$*${ bits }$+:${ bits }$];
`endif
