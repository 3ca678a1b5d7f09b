# outcome: 2
print 'hello'
