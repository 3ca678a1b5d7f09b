# outcome: 2
if True:
        x = 1
	y = 2
