# outcome: 2 has a syntax error
return 7
