# outcome: 2 has a syntax error
if True:
        x = 1
	y = 2
