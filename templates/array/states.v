          .WIDTH    (STATE_BITS),
          .DEPTH    (ROWS * WORDS),
          .ADDR_BITS(ADDR_BITS)
      ) u_states (
          .clk    (clk),
          .wr_en  (wr_en),
          .wr_addr(wr_addr),
          .wr_data(wr_data),
          .rd_en  (1'b1),
          .rd_addr(addr_q),
          .rd_data(s1_state[g*STATE_BITS+:STATE_BITS])
      );
