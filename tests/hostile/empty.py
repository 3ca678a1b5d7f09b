# outcome: 2

