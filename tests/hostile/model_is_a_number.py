# outcome: 2
model = 7
