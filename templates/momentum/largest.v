
  // Largest of the words of a beat and of `least`.
  function [${ bits }$-1:0] ${ largest }$;
    input [${ bits }$-1:0]       least;
    input [LANES*${ bits }$-1:0] all;
    // A tree, node i above nodes 2i and 2i + 1: many lanes in a row would be the longest path of all.
    reg [2*LANES*${ bits }$-1:0] node;
    integer p;
    begin
      node = {all, {LANES * ${ bits }${1'b0}}};
      for (p = LANES - 1; p > 0; p = p - 1) begin
        node[p*${ bits }$+:${ bits }$] = (node[2*p*${ bits }$+:${ bits }$] > node[(2*p+1)*${ bits }$+:${ bits }$]) ?
            node[2*p*${ bits }$+:${ bits }$] : node[(2*p+1)*${ bits }$+:${ bits }$];
      end
      ${ largest }$ = (node[${ bits }$+:${ bits }$] > least) ? node[${ bits }$+:${ bits }$] : least;
    end
  endfunction
