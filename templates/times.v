  // n times a constant.
  function [31:0] times;
    input [31:0] n;
    input [31:0] constant;
`ifdef YOSYS
    // In shifts and additions: a multiplier takes longer than that, and where there are few they are for the products.
    integer b;
    begin
      times = 32'd0;
      for (b = 0; b < 32; b = b + 1) if (constant[b]) times = times + (n << b);
    end
`else
    times = n * constant;
`endif
  endfunction
